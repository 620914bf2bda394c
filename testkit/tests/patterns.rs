//! The pattern index on generated worlds: what it finds is what comparing every pattern finds.

use iamc_catalogue::Catalogue;
use iamc_compiler::{Limits, compile, strategies};
use iamc_policy::request::RequestResource;
use iamc_runtime::IndexScratch;
use iamc_testkit::generators::{Entropy, SAMPLE_BYTES, bytes_of_seed, scene};

#[test]
fn the_index_finds_what_comparing_finds() {
    let mut scratch = IndexScratch::default();
    let (mut found, mut scanned) = (Vec::new(), Vec::new());
    let [mut n_asked, mut n_certain, mut n_open] = [0; 3];
    for seed in 0..300 {
        let bytes = bytes_of_seed(seed, 3 * SAMPLE_BYTES);
        let (world, requests) = scene(&mut Entropy::new(&bytes), 3);
        let set = compile(&world, Catalogue::embedded(), &Limits::default()).expect("a generated world is small");
        let n_patterns: usize = strategies(&set).for_patterns().iter().map(|(_, n)| n).sum();
        assert_eq!(n_patterns, set.tables().patterns.len() / iamc_runtime::layout::PATTERN_ROW);
        let carried = world.resources.iter().map(|resource| resource.arn.to_string());
        let asked = requests.iter().flat_map(|request| &request.resources).map(|resource| match &resource.resource {
            RequestResource::Arn(arn) => arn.to_string(),
            RequestResource::Star => "*".to_owned(),
        });
        let roles = world.roles.iter().map(|role| role.identity.arn.to_string());
        for arn in carried.chain(asked).chain(roles) {
            for arn in [format!("{arn}/below"), arn.to_uppercase(), arn.chars().rev().collect(), arn] {
                set.matching_patterns(&arn, &mut scratch, &mut found);
                set.scan_patterns(&arn, &mut scratch, &mut scanned);
                assert_eq!(found, scanned, "seed {seed}: {arn}");
                n_asked += 1;
                n_open += found.iter().filter(|found| found.has_variables()).count();
                n_certain += found.iter().filter(|found| !found.has_variables()).count();
            }
        }
    }
    assert!(n_asked > 3_000 && n_certain > 3_000 && n_open > 100, "{n_asked} {n_certain} {n_open}");
}
