use super::*;
use proptest::prelude::*;

fn body(len: usize, seed: usize) -> Vec<u8> {
    (0..len)
        .map(|at| u8::try_from((at ^ seed) % 251).unwrap())
        .collect()
}

proptest! {
    /// The model is a list of bodies with their addresses.
    #[test]
    fn agrees_with_a_list(steps in prop::collection::vec((0u8..7, 0usize..5_000, any::<prop::sample::Index>()), 0..300)) {
        let mut bodies = Bodies::default();
        let mut garbage = Garbage::new();
        let mut model: Vec<(Spot, Vec<u8>)> = Vec::new();
        for (seed, (what, len, which)) in steps.into_iter().enumerate() {
            if what < 3 || model.is_empty() {
                // Mostly of few classes, so that cells are reused.
                let len = if what == 0 { len } else { len % 40 };
                let body = body(len, seed);
                model.push((bodies.insert(body.clone(), &mut garbage).unwrap(), body));
            } else if what < 5 {
                let (spot, body) = model.swap_remove(which.index(model.len()));
                prop_assert_eq!(bodies.get(spot), body);
                bodies.free(spot, &mut garbage);
            } else {
                let at = which.index(model.len());
                let (spot, old) = &mut model[at];
                prop_assert_eq!(bodies.get(*spot), &*old);
                // Mostly of about the same length, so that many take the same cell.
                let len = if what == 5 { len } else { old.len().saturating_sub(len % 4) };
                let new = body(len, seed);
                let replaced = bodies.replace(*spot, new.clone(), &mut garbage).unwrap();
                let is_same_cell = spot.len() != APART && len <= LARGEST && class_of(len) == class_of(old.len());
                prop_assert!(!is_same_cell || replaced.at() == spot.at(), "one that fits takes the same cell");
                (*spot, *old) = (replaced, new);
            }
            bodies.validate(model.iter().map(|&(spot, _)| spot));
        }
        for (spot, body) in &model {
            prop_assert_eq!(bodies.get(*spot), body);
            prop_assert_eq!(bodies.len_of(*spot), body.len());
            bodies.get_mut(*spot).fill(9);
            prop_assert!(bodies.get(*spot).iter().all(|&byte| byte == 9));
        }
    }

    /// Many bodies of few sizes, freed in any order.
    #[test]
    fn empty_pages_are_freed_and_their_numbers_reused(
        order in Just((0..2_000usize).collect::<Vec<_>>()).prop_shuffle(),
        sizes in prop::array::uniform3(1usize..=LARGEST),
    ) {
        let mut bodies = Bodies::default();
        let mut garbage = Garbage::new();
        let mut spots: Vec<_> = order.iter().map(|at| {
            let body = body(sizes[at % sizes.len()], *at);
            Some(bodies.insert(body, &mut garbage).unwrap())
        }).collect();
        garbage.clear();
        let pages = bodies.pages.len();
        for (n, &at) in order.iter().enumerate() {
            bodies.free(spots[at].take().unwrap(), &mut garbage);
            if n % 400 == 0 {
                bodies.validate(spots.iter().flatten().copied());
            }
        }
        bodies.validate(std::iter::empty());
        prop_assert_eq!((bodies.vacant.len(), bodies.spare.len()), (pages, SPARE));
        prop_assert_eq!(garbage.len(), pages - SPARE, "all but the spare are freed");
        let spot = bodies.insert(body(100, 1), &mut garbage).unwrap();
        prop_assert_eq!(bodies.pages.len(), pages, "page numbers are reused");
        bodies.validate(std::iter::once(spot));
    }
}

#[test]
fn each_body_fits_its_cell_and_less_than_a_step_is_wasted() {
    for len in 0..=LARGEST {
        let cell = cell_of(class_of(len));
        assert!(
            cell >= len
                && cell < len + if len <= SMALL { GRANULE } else { 2 * GRANULE } + usize::from(len == 0)
        );
        assert!(class_of(len) < CLASSES && cell >= GRANULE && cell.is_multiple_of(GRANULE));
    }
}

#[test]
fn a_position_holds_40_bits_and_no_more() {
    assert_eq!(
        Spot::new((1 << 40) - 1, 7).map(|spot| (spot.at(), spot.len())),
        Some(((1 << 40) - 1, 7))
    );
    assert_eq!(Spot::new(1 << 40, 7), None);
}

/// A body that was not where its place said read as an empty session: whoever was logged in was a guest, and nobody noticed.
#[test]
fn an_address_without_a_body_panics() {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    let mut bodies = Bodies::default();
    let mut garbage = Garbage::new();
    let small = bodies.insert(body(100, 1), &mut garbage).unwrap();
    let large = bodies.insert(body(LARGEST + 1, 1), &mut garbage).unwrap();
    let nowhere = [Spot::new(7 << IN_PAGE, 10).unwrap(), Spot::new(7, APART).unwrap()];
    bodies.free(large, &mut garbage);
    for spot in nowhere.into_iter().chain([large]) {
        assert!(catch_unwind(AssertUnwindSafe(|| bodies.get(spot).len())).is_err());
        assert!(catch_unwind(AssertUnwindSafe(|| bodies.get_mut(spot).len())).is_err());
        assert!(catch_unwind(AssertUnwindSafe(|| bodies.free(spot, &mut Garbage::new()))).is_err());
    }
    assert_eq!(bodies.get(small), body(100, 1));
}
