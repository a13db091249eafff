//! lambda_function_repeat of egg's tests, run as its test driver runs it: it ends once the goal is found.

use std::time::{Duration, Instant};

// The language, the analysis and `rules()`.
include!(concat!(env!("OUT_DIR"), "/lambda.rs"));

pub fn function_repeat() {
    let start = "
        (let compose (lam f (lam g (lam x (app (var f) (app (var g) (var x))))))
        (let repeat (fix repeat (lam fun (lam n
            (if (= (var n) 0)
                (lam i (var i))
                (app (app (var compose) (var fun))
                     (app (app (var repeat) (var fun)) (+ (var n) -1)))))))
        (let add1 (lam y (+ (var y) 1))
        (app (app (var repeat) (var add1)) 2))))";
    let goal: Pattern<Lambda> = "(lam ?x (+ (var ?x) 2))".parse().expect("goal");
    let runner = Runner::<Lambda, LambdaAnalysis>::default()
        .with_time_limit(Duration::from_secs(20))
        .with_node_limit(150_000)
        .with_iter_limit(60)
        .with_expr(&start.parse().expect("start"));
    let id = runner.egraph.find(runner.roots[0]);
    let wanted = goal.clone();
    let runner = runner.with_hook(move |r| match wanted.search_eclass(&r.egraph, id) {
        Some(_) => Err("proved".into()),
        None => Ok(()),
    });
    let rules = rules();
    let clock = Instant::now();
    let runner = runner.run(&rules);
    let time = clock.elapsed();
    assert!(goal.search_eclass(&runner.egraph, id).is_some(), "goal not reached");
    crate::report(&runner, time);
}
