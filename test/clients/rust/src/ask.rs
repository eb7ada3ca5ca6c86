//! Owns how the steps ask, and what they make of an answer.

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::{ApiError, OpenAIError};
use async_openai::types::responses::{
    CreateResponse, FunctionToolCall, ItemResource, OutputItem, Response, ResponseStreamEvent, Status,
};
use futures::StreamExt;
use serde_json::{Value, json};

use crate::play::STAGE;

pub fn client() -> Client<OpenAIConfig> {
    Client::with_config(OpenAIConfig::new().with_api_base(&STAGE.base_url).with_api_key("none"))
}

/// A request of `fields` in the crate's own types.
pub fn ask(mut fields: Value) -> CreateResponse {
    fields["model"] = json!(STAGE.model);
    serde_json::from_value(fields).expect("a request")
}

pub async fn answer(fields: Value) -> Response {
    client().responses().create(ask(fields)).await.unwrap()
}

/// The error in which a request of `fields` must end.
pub async fn refusal(fields: Value) -> ApiError {
    match client().responses().create(ask(fields)).await {
        Err(OpenAIError::ApiError(refused)) => refused.api_error,
        other => panic!("no refusal: {other:?}"),
    }
}

/// What a stream comes down to; all its events were understood.
pub struct Streamed {
    pub arguments: String,
    pub thinking: String,
    pub summary: String,
    pub last: Response,
}

pub async fn stream(request: CreateResponse) -> Streamed {
    let mut events = client().responses().create_stream(request).await.unwrap();
    let (mut text, mut arguments) = (String::new(), String::new());
    let (mut thinking, mut summary) = (String::new(), String::new());
    let mut last: Option<Response> = None;
    while let Some(event) = events.next().await {
        assert!(last.is_none(), "something follows the end");
        match event.unwrap() {
            ResponseStreamEvent::ResponseOutputTextDelta(event) => text += &event.delta,
            ResponseStreamEvent::ResponseFunctionCallArgumentsDelta(event) => arguments += &event.delta,
            ResponseStreamEvent::ResponseReasoningTextDelta(event) => thinking += &event.delta,
            ResponseStreamEvent::ResponseReasoningSummaryTextDelta(event) => summary += &event.delta,
            ResponseStreamEvent::ResponseCompleted(event) => last = Some(event.response),
            ResponseStreamEvent::ResponseFailed(event) => last = Some(event.response),
            _ => {}
        }
    }
    let last = last.expect("an end");
    assert_eq!(last.output_text().unwrap_or_default(), text);
    Streamed { arguments, thinking, summary, last }
}

pub fn check(response: &Response, text: &str) {
    assert_eq!(response.status, Status::Completed);
    assert_eq!(response.output_text().as_deref(), Some(text));
}

pub fn weather() -> Value {
    json!({
        "type": "function",
        "name": "get_weather",
        "description": "Weather in a city",
        "strict": true,
        "parameters": {
            "type": "object",
            "properties": { "city": { "type": "string" } },
            "required": ["city"],
            "additionalProperties": false,
        },
    })
}

pub fn calls_in(response: &Response) -> Vec<&FunctionToolCall> {
    response
        .output
        .iter()
        .filter_map(|item| match item {
            OutputItem::FunctionCall(call) => Some(call),
            _ => None,
        })
        .collect()
}

pub fn results(response: &Response) -> Vec<Value> {
    let result = |call: &FunctionToolCall| json!({ "type": "function_call_output", "call_id": call.call_id, "output": r#"{"sky":"clear"}"# });
    calls_in(response).into_iter().map(result).collect()
}

/// What was put out, in the words in which the crate sends it back.
pub fn items_of(response: &Response) -> Vec<Value> {
    response.output.iter().map(|item| serde_json::to_value(item).unwrap()).collect()
}

pub fn ids_of(items: &[ItemResource]) -> Vec<Value> {
    items.iter().map(|item| serde_json::to_value(item).unwrap()["id"].clone()).collect()
}
