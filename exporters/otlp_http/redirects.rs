//! Servers that have moved.

use transport::header::{AUTHORIZATION, COOKIE, LOCATION};
use transport::{Answer, Chunks, Client, NoAnswer, Request, StatusCode, Uri};

/// As often as in the Collector's HTTP library.
const AT_MOST: usize = 10;

/// Sends the request, and where it is sent to from there with the same method and body (307, 308). Other redirects say
/// that a page is to be fetched, which is not what an export is: they are the answer.
///
/// # Errors
/// When no answer comes.
pub async fn follow(client: &Client, mut request: Request<Chunks>) -> Result<Answer, NoAnswer> {
    for _ in 0..AT_MOST {
        let again = request.clone();
        let answer = client.send(request).await?;
        let Some(place) = place(again.uri(), &answer) else { return Ok(answer) };
        request = again;
        if place.host() != request.uri().host() {
            // Secrets are for the server that they were configured for.
            request.headers_mut().remove(AUTHORIZATION);
            request.headers_mut().remove(COOKIE);
        }
        *request.uri_mut() = place;
    }
    client.send(request).await
}

/// Where the answer says that the request belongs: a whole URL, or a path at the same server.
fn place(from: &Uri, answer: &Answer) -> Option<Uri> {
    if !matches!(answer.status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT) {
        return None;
    }
    let place: Uri = answer.headers.get(LOCATION)?.to_str().ok()?.parse().ok()?;
    if place.scheme().is_some() {
        return Some(place);
    }
    let mut parts = from.clone().into_parts();
    parts.path_and_query = place.into_parts().path_and_query.filter(|path| path.as_str().starts_with('/'));
    Uri::from_parts(parts).ok()
}
