//! egg on the workloads of ../run.py, one a process: one line `seconds=.. enodes=.. iterations=..` on standard output.
//!
//!   eggbench math|fold|adder PROGRAM N   the rules and start terms of one of our programs, N iterations of every rule;
//!                                        `fold` with the constant folding of egg's tests
//!   eggbench lambda                      lambda_function_repeat of egg's tests, with its limits
//!
//! Languages are enumerations, egg's fastest form. The node limit is lifted (but for lambda's own).

mod lambda;
#[allow(dead_code)]
mod math {
    include!(concat!(env!("OUT_DIR"), "/math.rs"));
}

use egg::{define_language, Analysis, FromOp, Id, Language, Pattern, RecExpr, Rewrite, Runner, SimpleScheduler, Symbol};
use std::time::{Duration, Instant};

define_language! {
    pub enum Math {
        "Diff" = Diff([Id; 2]),
        "Integral" = Integral([Id; 2]),
        "Add" = Add([Id; 2]),
        "Sub" = Sub([Id; 2]),
        "Mul" = Mul([Id; 2]),
        "Div" = Div([Id; 2]),
        "Pow" = Pow([Id; 2]),
        "Ln" = Ln(Id),
        "Sqrt" = Sqrt(Id),
        "Sin" = Sin(Id),
        "Cos" = Cos(Id),
        Const(i64),
        Var(Symbol),
    }
}

define_language! {
    pub enum Bool {
        "and" = And([Id; 2]),
        "or" = Or([Id; 2]),
        "xor" = Xor([Id; 2]),
        "not" = Not(Id),
        "half-sum" = HalfSum([Id; 2]),
        "half-carry" = HalfCarry([Id; 2]),
        "full-sum" = FullSum([Id; 3]),
        "full-carry" = FullCarry([Id; 3]),
        Const(bool),
        Var(Symbol),
    }
}

/// The names of our math program in egg's own math language.
const EGG_NAMES: [(&str, &str); 11] = [
    ("Diff", "d"), ("Integral", "i"), ("Add", "+"), ("Sub", "-"), ("Mul", "*"), ("Div", "/"), ("Pow", "pow"),
    ("Ln", "ln"), ("Sqrt", "sqrt"), ("Sin", "sin"), ("Cos", "cos"),
];

/// The forms of a program: each a list of parts, as text.
fn forms(text: &str) -> Vec<Vec<String>> {
    let mut forms = vec![];
    let (mut depth, mut part, mut parts) = (0, String::new(), vec![]);
    for line in text.lines() {
        for c in line.split(';').next().unwrap().chars().chain(Some(' ')) {
            match c {
                '(' => { depth += 1; if depth > 1 { part.push(c) } }
                ')' => { depth -= 1; if depth > 0 { part.push(c) } }
                _ if !c.is_whitespace() => part.push(c),
                _ if depth > 1 => part.push(' '),
                _ => {}
            }
            if depth <= 1 && (c == ')' || c.is_whitespace()) && !part.is_empty() {
                parts.push(std::mem::take(&mut part));
            }
            if depth == 0 && !parts.is_empty() {
                forms.push(std::mem::take(&mut parts));
            }
        }
    }
    forms
}

fn with_egg_names(text: &str) -> String {
    EGG_NAMES.iter().fold(text.to_string(), |t, (ours, eggs)| t.replace(&format!("({ours} "), &format!("({eggs} ")))
}

fn run<L, A>(text: &str, iterations: usize)
where
    L: Language + FromOp + Send + Sync + std::fmt::Display + 'static,
    A: Analysis<L> + Default + 'static,
{
    let (mut rules, mut starts) = (Vec::<Rewrite<L, A>>::new(), Vec::<RecExpr<L>>::new());
    let pattern = |t: &str| t.parse::<Pattern<L>>().unwrap_or_else(|_| panic!("{t}"));
    for form in forms(text) {
        match form[0].as_str() {
            "start" => starts.push(form[1].parse().unwrap_or_else(|_| panic!("{}", form[1]))),
            "rule" => rules.push(Rewrite::new(form[1].as_str(), pattern(&form[2]), pattern(&form[3])).unwrap()),
            "birule" => for (name, left, right) in [("", 2, 3), ("-back", 3, 2)] {
                let name = format!("{}{name}", form[1]);
                rules.push(Rewrite::new(name.as_str(), pattern(&form[left]), pattern(&form[right])).unwrap());
            },
            "analysis" => {}  // the name of the workload says which language has it
            other => panic!("a form that eggbench does not know: {other}"),
        }
    }
    let mut runner = Runner::<L, A>::default()
        .with_scheduler(SimpleScheduler)
        .with_iter_limit(iterations)
        .with_node_limit(usize::MAX)
        .with_time_limit(Duration::from_secs(3600));
    for start in &starts {
        runner = runner.with_expr(start);
    }
    let clock = Instant::now();
    let runner = runner.run(&rules);
    report(&runner, clock.elapsed());
}

pub fn report<L: Language, A: Analysis<L>>(runner: &Runner<L, A>, time: Duration) {
    println!("seconds={} enodes={} iterations={}", time.as_secs_f64(), runner.egraph.total_number_of_nodes(), runner.iterations.len());
    std::process::exit(0) // taking the graph apart is not part of the measurement
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let text = || std::fs::read_to_string(&args[2]).expect("a program");
    let iterations = || args[3].parse().expect("a number of iterations");
    match args.get(1).map(String::as_str) {
        Some("math") => run::<Math, ()>(&text(), iterations()),
        Some("fold") => run::<math::Math, math::ConstantFold>(&with_egg_names(&text()), iterations()),
        Some("adder") => run::<Bool, ()>(&text(), iterations()),
        Some("lambda") => lambda::function_repeat(),
        _ => panic!("usage: eggbench math|fold|adder PROGRAM N | lambda"),
    }
}
