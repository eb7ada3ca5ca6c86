//! Owns what async-openai must be able to do here: its types know no more events, items and values than they name.

mod ask;
mod play;

use async_openai::error::OpenAIError;
use async_openai::traits::RequestOptionsBuilder;
use async_openai::types::responses::{OutputItem, ResponseStreamEvent, Status, SummaryPart};
use futures::StreamExt;
use futures::future::join_all;
use serde_json::{Value, json};

use ask::{answer, ask, calls_in, check, client, ids_of, items_of, refusal, results, stream, weather};
use play::STAGE;

const QUESTION: &str = "[[tool]] What is the weather?";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    play::play(play_step).await;
}

async fn play_step(name: String) {
    match name.as_str() {
        "create" => create().await,
        "create, cut" => create_cut().await,
        "stream" => check(&stream(ask(json!({ "input": "Say hello." }))).await.last, &STAGE.lines.plain),
        "silence" => check(&stream(ask(json!({ "input": STAGE.slowly }))).await.last, &STAGE.lines.plain),
        "stream, aborted" => stream_aborted().await,
        "eight streams at once" => stream_many().await,
        "tool loop" => tool_loop().await,
        "tool loop, streamed" => tool_loop_streamed().await,
        "parallel calls" => parallel_calls().await,
        "structured output" => structured_output().await,
        "image" => image().await,
        "errors" => errors().await,
        "reasoning" => reasoning().await,
        "reasoning replay" => reasoning_replay().await,
        "retrieve, input_items, delete" => read_back().await,
        "models" => models().await,
        _ => panic!("no such step"),
    }
}

async fn create() {
    let response = answer(json!({ "instructions": "Be kind.", "input": "Say hello." })).await;
    check(&response, &STAGE.lines.plain);
    assert_eq!(response.model, STAGE.model);
    let usage = response.usage.expect("usage");
    assert!(usage.input_tokens > 0 && usage.output_tokens > 0);
    assert_eq!(usage.total_tokens, usage.input_tokens + usage.output_tokens);
}

async fn create_cut() {
    let response = answer(json!({ "input": "[[long]]", "max_output_tokens": 20 })).await;
    assert_eq!(response.status, Status::Incomplete);
    assert_eq!(response.incomplete_details.expect("details").reason, "max_output_tokens");
}

/// The client drops the connection; the next request finds the engine free.
async fn stream_aborted() {
    let mut events = client().responses().create_stream(ask(json!({ "input": "[[long]]" }))).await.unwrap();
    while let Some(event) = events.next().await {
        if matches!(event.unwrap(), ResponseStreamEvent::ResponseOutputTextDelta(_)) {
            break;
        }
    }
    drop(events);
    check(&answer(json!({ "input": "Say hello." })).await, &STAGE.lines.plain);
}

async fn stream_many() {
    let streams = (0..8).map(|_| stream(ask(json!({ "input": "Say hello." }))));
    for streamed in join_all(streams).await {
        check(&streamed.last, &STAGE.lines.plain);
    }
}

async fn tool_loop() {
    let mut input = vec![json!({ "role": "user", "content": QUESTION })];
    let first = answer(json!({ "input": input, "tools": [weather()] })).await;
    assert_eq!(calls_in(&first).len(), 1);
    input.extend(items_of(&first));
    input.extend(results(&first));
    let second = answer(json!({ "input": input, "tools": [weather()] })).await;
    check(&second, &STAGE.lines.settled);
    input.extend(items_of(&second));
    input.push(json!({ "role": "user", "content": "Thank you." }));
    check(&answer(json!({ "input": input, "tools": [weather()] })).await, &STAGE.lines.plain);
}

async fn tool_loop_streamed() {
    let first = stream(ask(json!({ "input": QUESTION, "tools": [weather()] }))).await;
    let arguments: Vec<&str> = calls_in(&first.last).iter().map(|call| call.arguments.as_str()).collect();
    assert_eq!(arguments, [first.arguments]);
    let second = ask(json!({
        "input": results(&first.last), "previous_response_id": first.last.id, "tools": [weather()],
    }));
    check(&stream(second).await.last, &STAGE.lines.settled);
}

async fn parallel_calls() {
    let first = stream(ask(json!({ "input": "[[run here]] [[run there]]", "tools": [weather()] }))).await.last;
    let calls = calls_in(&first);
    assert_eq!(calls.len(), 2);
    assert_ne!(calls[0].call_id, calls[1].call_id);
    let second = json!({ "input": results(&first), "previous_response_id": first.id, "tools": [weather()] });
    check(&answer(second).await, &STAGE.lines.settled);
}

async fn structured_output() {
    let schema = json!({
        "type": "object",
        "properties": { "city": { "type": "string" }, "days": { "type": "integer" } },
        "required": ["city", "days"],
        "additionalProperties": false,
    });
    let format = json!({ "type": "json_schema", "name": "trip", "strict": true, "schema": schema });
    let wanted = json!({ "input": "Plan a trip.", "text": { "format": format } });
    for response in [answer(wanted.clone()).await, stream(ask(wanted)).await.last] {
        assert_eq!(response.status, Status::Completed);
        let trip: Value = serde_json::from_str(&response.output_text().expect("text")).unwrap();
        assert!(trip["city"].is_string() && trip["days"].is_i64(), "{trip}");
    }
}

async fn image() {
    let picture = format!("data:image/png;base64,{}", STAGE.pixel);
    let content = json!([
        { "type": "input_text", "text": "Say hello." },
        { "type": "input_image", "image_url": picture, "detail": "auto" },
    ]);
    let input = json!([{ "type": "message", "role": "user", "content": content }]);
    check(&answer(json!({ "input": input })).await, &STAGE.lines.plain);
}

async fn errors() {
    let cold = refusal(json!({ "input": "Say hello.", "temperature": -1.0 })).await;
    assert_eq!(cold.param.as_deref(), Some("temperature"));
    assert_eq!(cold.r#type.as_deref(), Some("invalid_request_error"));
    let unknown = refusal(json!({ "input": "Go on.", "previous_response_id": "resp_unknown" })).await;
    assert_eq!(unknown.code.as_deref(), Some("previous_response_not_found"));
    // More than the context holds: refused before it begins, and failed where it has begun.
    let too_long = json!({ "input": "word ".repeat(40_000) });
    let long = refusal(too_long.clone()).await;
    assert_eq!(long.code.as_deref(), Some("context_length_exceeded"));
    let failed = stream(ask(too_long)).await.last;
    assert_eq!(failed.status, Status::Failed);
    assert_eq!(failed.error.expect("error").code, "context_length_exceeded");
}

/// Thinking comes as raw text, or as the summary where one is asked for.
async fn reasoning() {
    let raw = stream(ask(json!({ "input": "[[think]] about it." }))).await;
    check(&raw.last, &STAGE.lines.considered);
    assert_eq!(raw.thinking, STAGE.lines.thought);
    let summed = stream(ask(json!({
        "input": "[[think]] about it.", "reasoning": { "effort": "medium", "summary": "auto" },
    })));
    assert_eq!(summed.await.summary, STAGE.lines.thought);
}

async fn reasoning_replay() {
    let settings = |input: &[Value]| {
        json!({
            "input": input,
            "store": false,
            "include": ["reasoning.encrypted_content"],
            "reasoning": { "effort": "medium", "summary": "auto" },
        })
    };
    let mut input = vec![json!({ "role": "user", "content": "[[think]] about it." })];
    let first = answer(settings(&input)).await;
    check(&first, &STAGE.lines.considered);
    let Some(OutputItem::Reasoning(thinking)) = first.output.first() else {
        panic!("no reasoning in {first:?}");
    };
    assert!(thinking.encrypted_content.is_some());
    let [SummaryPart::SummaryText(summary)] = thinking.summary.as_slice() else {
        panic!("no summary in {thinking:?}");
    };
    assert_eq!(summary.text, STAGE.lines.thought);
    input.extend(items_of(&first));
    input.push(json!({ "role": "user", "content": "Say hello." }));
    check(&answer(settings(&input)).await, &STAGE.lines.plain);
}

async fn read_back() {
    let input = ["one", "two", "three"].map(|text| json!({ "role": "user", "content": text }));
    let created = answer(json!({ "input": input, "metadata": { "topic": "greeting" } })).await;
    let client = client();
    assert_eq!(client.responses().retrieve(&created.id).await.unwrap(), created);
    let list = |query: Vec<(&'static str, String)>| {
        let (client, id) = (&client, &created.id);
        async move { client.responses().query(&query).unwrap().list_input_items(id).await.unwrap() }
    };
    let all = list(vec![("order", "asc".into())]).await;
    let first = list(vec![("order", "asc".into()), ("limit", "2".into())]).await;
    let after = first.last_id.clone().expect("an id");
    let rest = list(vec![("order", "asc".into()), ("after", after)]).await;
    assert!(first.has_more && !rest.has_more);
    assert_eq!(ids_of(&all.data), [ids_of(&first.data), ids_of(&rest.data)].concat());
    assert!(client.responses().delete(&created.id).await.unwrap().deleted);
    assert!(matches!(client.responses().retrieve(&created.id).await, Err(OpenAIError::ApiError(_))));
}

async fn models() {
    let client = client();
    let found: Vec<String> = client.models().list().await.unwrap().data.into_iter().map(|model| model.id).collect();
    assert_eq!(found, [STAGE.model.as_str()]);
    assert_eq!(client.models().retrieve(&STAGE.model).await.unwrap().id, STAGE.model);
}
