//! Pages and tables, with everything that is shown escaped.

use std::fmt::Write;

/// A page that is being written.
pub struct Html(String);

impl Html {
    pub fn page(title: &str) -> Self {
        let title = escaped(title);
        Self(format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\n<style>\
             body {{ font-family: sans-serif; margin: 2em }} table {{ border-collapse: collapse }} \
             td, th {{ border: 1px solid #ccc; padding: .3em .8em; text-align: left; vertical-align: top }} \
             tr:nth-child(even) {{ background: #f4f4f4 }}</style></head>\n<body><h2>{title}</h2>\n"
        ))
    }

    pub fn paragraph(mut self, text: &str) -> Self {
        let _ = writeln!(self.0, "<p>{}</p>", escaped(text));
        self
    }

    pub fn table<const N: usize>(mut self, head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> Self {
        let cells = |tag: &str, cells: [&str; N]| {
            cells.map(|cell| format!("<{tag}>{}</{tag}>", escaped(cell).replace('\n', "<br>"))).concat()
        };
        self.0 += "<table>\n";
        if head.iter().any(|cell| !cell.is_empty()) {
            let _ = writeln!(self.0, "<tr>{}</tr>", cells("th", head));
        }
        for row in rows {
            let _ = writeln!(self.0, "<tr>{}</tr>", cells("td", row.each_ref().map(String::as_str)));
        }
        self.0 += "</table>\n";
        self
    }

    pub fn links(mut self, pages: &[&str]) -> Self {
        let links = pages.iter().map(|page| format!("<a href=\"{page}\">{page}</a>"));
        let _ = writeln!(self.0, "<p>{}</p>", links.collect::<Vec<_>>().join(" | "));
        self
    }

    pub fn finish(self) -> String {
        self.0 + "</body></html>\n"
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
