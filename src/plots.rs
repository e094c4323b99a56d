//! How plots are written, as an option of the commands that have some.

use bitgauge_reports::PlotFormat;

/// How plots are written; the page shows them in either case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum PlotArgument {
    /// Lines and letters, for any size
    #[default]
    Svg,
    /// Dots for print, 300 to the inch
    Png,
}

impl From<PlotArgument> for PlotFormat {
    fn from(argument: PlotArgument) -> PlotFormat {
        match argument {
            PlotArgument::Svg => PlotFormat::Svg,
            PlotArgument::Png => PlotFormat::Png,
        }
    }
}
