//! A flame graph, drawn by inferno.

use inferno::flamegraph::{self, Options, Palette, color::MultiPalette};

use super::{Recording, Tally, folded};

/// An SVG that stands alone: it can be searched and zoomed in a browser.
pub fn render(tally: &Tally, recording: &Recording) -> std::io::Result<Vec<u8>> {
    let mut options = Options::default();
    options.title = "CPU time".into();
    let seconds = recording.duration.as_secs_f64();
    options.subtitle = Some(format!("{} samples in {seconds:.1} s at {} Hz", tally.samples, recording.frequency_hz));
    // Tells kernel (_[k]), inlined (_[i]) and compiled (_[j]) frames apart.
    options.colors = Palette::Multi(MultiPalette::Java);
    // A function has the same colour in every graph.
    options.hash = true;
    options.count_name = "samples".into();
    let folded = folded::render(tally);
    let mut svg = Vec::new();
    flamegraph::from_lines(&mut options, folded.lines(), &mut svg).map_err(std::io::Error::other)?;
    Ok(svg)
}
