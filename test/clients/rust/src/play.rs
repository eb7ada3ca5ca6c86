//! Owns the far side of `../../played.ts` in Rust: plays the steps it is told on standard input, and answers a line for each.

use std::io::BufRead;
use std::panic::PanicHookInfo;
use std::sync::{LazyLock, Mutex};

use serde::Deserialize;
use serde_json::json;

/// `Stage` of `../../suite.ts`, as far as a program needs it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stage {
    pub base_url: String,
    pub model: String,
    pub lines: Lines,
    /// A PNG in base64.
    pub pixel: String,
    /// What makes the model silent for long.
    pub slowly: String,
}

#[derive(Deserialize)]
pub struct Lines {
    pub plain: String,
    pub thought: String,
    pub considered: String,
    pub settled: String,
}

pub static STAGE: LazyLock<Stage> = LazyLock::new(|| {
    let given = std::env::var("STAGE").expect("the suite starts this program");
    serde_json::from_str(&given).expect("a stage")
});

/// What the last panic said, and where.
static PROBLEM: Mutex<Option<String>> = Mutex::new(None);

/// `step`: plays the step of a name; one that panics has failed. Ends with standard input.
pub async fn play<F>(step: impl Fn(String) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    std::panic::set_hook(Box::new(|panic: &PanicHookInfo| {
        *PROBLEM.lock().unwrap() = Some(panic.to_string());
    }));
    for name in std::io::stdin().lock().lines().map_while(Result::ok) {
        let ended = tokio::spawn(step(name.clone())).await;
        let problem = ended.err().and_then(|_| PROBLEM.lock().unwrap().take());
        // The suite tells its lines by how they begin.
        println!(r#"{{"step":{},"problem":{}}}"#, json!(name), json!(problem));
    }
}
