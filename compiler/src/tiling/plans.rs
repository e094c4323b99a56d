//! Plans that were made: a network has few shapes of layers, and the mapper tries many tilings for each.

use std::cell::RefCell;

use bitgauge_arch::Accelerator;

use super::geometry::Geometry;
use super::plan::{Plan, Shortage};
use super::search::plan;
use super::sweep::{Sweep, Tiling};
use crate::scratch::Area;

/// What was planned, and what came of it.
#[derive(Debug)]
struct Planned {
    shape: Geometry,
    area: Area,
    plan: Result<Plan, Shortage>,
}

/// The plans of one compilation.
#[derive(Debug, Default)]
pub(crate) struct Plans {
    products: RefCell<Vec<Planned>>,
    sweeps: RefCell<Vec<(Sweep, Area, Tiling)>>,
}

impl Plans {
    /// The plan of a product, made where none of its shape has been.
    pub fn product(
        &self,
        geometry: &Geometry,
        area: &Area,
        accelerator: &Accelerator,
    ) -> Result<Plan, Shortage> {
        let shape = geometry.shape();
        let mut known = self.products.borrow_mut();
        let found = known.iter().find(|planned| planned.area == *area && planned.shape == shape);
        if let Some(planned) = found {
            return planned.plan.clone();
        }
        let plan = plan(&shape, accelerator, area);
        known.push(Planned { shape, area: *area, plan: plan.clone() });
        plan
    }

    /// The tiling of a sweep of this shape, where one was chosen.
    pub fn sweep(&self, shape: &Sweep, area: &Area) -> Option<Tiling> {
        let known = self.sweeps.borrow();
        let found = known.iter().find(|(known, place, _)| place == area && known == shape);
        found.map(|(_, _, tiling)| tiling.clone())
    }

    /// Keeps the tiling of a sweep.
    pub fn keep_sweep(&self, shape: Sweep, area: Area, tiling: Tiling) {
        self.sweeps.borrow_mut().push((shape, area, tiling));
    }
}
