//! What a caller hears while the stages run.

/// A stage that takes long enough to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The float network over the calibration images.
    Calibrate,
    /// Integer network to program.
    Compile,
    /// Images on the simulator, each beside the interpreter.
    Simulate,
    /// Images on the interpreters, for accuracy.
    Accuracy,
    /// Images on the interpreters, tensor by tensor.
    Noise,
}

impl Stage {
    /// A few words for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Stage::Calibrate => "calibrate",
            Stage::Compile => "compile",
            Stage::Simulate => "simulate and compare",
            Stage::Accuracy => "accuracy",
            Stage::Noise => "signal to noise",
        }
    }
}

/// Hears of stages.
pub trait Progress: Sync {
    /// A stage begins; it has so many steps, where that is known. What is given back is dropped at its end.
    fn begin(&self, stage: Stage, steps: Option<usize>) -> Box<dyn Running + '_>;
}

/// A stage that runs.
pub trait Running: Sync {
    /// One step is done; steps end in any order, on any thread.
    fn step(&self);
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: Stage, _: Option<usize>) -> Box<dyn Running + '_> {
        Box::new(Silent)
    }
}

impl Running for Silent {
    fn step(&self) {}
}
