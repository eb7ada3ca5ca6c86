"""Owns what OpenAI's Python SDK must be able to do here: its asynchronous client, which is told to validate strictly."""

import asyncio
from typing import Literal

import openai
from openai.types.responses import Response, ResponseFunctionToolCall
from play import picture, play, stage, step, too_long
from pydantic import BaseModel

lines = stage.lines
model = stage.model
client = openai.AsyncOpenAI(
    base_url=stage.baseUrl, api_key="none", max_retries=0, _strict_response_validation=True
)
weather = {
    "type": "function",
    "name": "get_weather",
    "description": "Weather in a city",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
question = "[[tool]] What is the weather?"


class Trip(BaseModel):
    city: str
    days: int
    season: Literal["winter", "summer"]


def check(response: Response, text: str) -> None:
    assert response.status == "completed", response
    assert response.output_text == text, response.output_text


def calls_in(response: Response) -> list[ResponseFunctionToolCall]:
    return [item for item in response.output if item.type == "function_call"]


def results(response: Response) -> list[dict]:
    return [
        {"type": "function_call_output", "call_id": call.call_id, "output": '{"sky":"clear"}'}
        for call in calls_in(response)
    ]


async def refusal(kind: type[openai.APIStatusError], asked) -> openai.APIStatusError:
    """The error of `kind` in which `asked` must end."""
    try:
        await asked
    except kind as error:
        assert error.request_id
        return error
    raise AssertionError(f"No {kind.__name__}")


@step("create")
async def create() -> None:
    response = await client.responses.create(model=model, instructions="Be kind.", input="Say hello.")
    check(response, lines.plain)
    assert response.instructions == "Be kind."
    assert response.usage and response.usage.input_tokens > 0 and response.usage.output_tokens > 0


@step("create, cut")
async def create_cut() -> None:
    response = await client.responses.create(model=model, input="[[long]]", max_output_tokens=20)
    assert response.status == "incomplete"
    assert response.incomplete_details and response.incomplete_details.reason == "max_output_tokens"


@step("stream")
async def stream() -> None:
    snapshot = ""
    async with client.responses.stream(model=model, input="Say hello.") as events:
        async for event in events:
            if event.type == "response.output_text.delta":
                snapshot = event.snapshot
        check(await events.get_final_response(), lines.plain)
    assert snapshot == lines.plain


@step("silence")
async def silence() -> None:
    async with client.responses.stream(model=model, input=stage.slowly) as events:
        check(await events.get_final_response(), lines.plain)


@step("stream, aborted")
async def stream_aborted() -> None:
    events = await client.responses.create(model=model, input="[[long]]", stream=True)
    async for event in events:
        if event.type == "response.output_text.delta":
            break
    await events.close()
    check(await client.responses.create(model=model, input="Say hello."), lines.plain)


@step("eight streams at once")
async def stream_many() -> None:
    async def one() -> None:
        async with client.responses.stream(model=model, input="Say hello.") as events:
            check(await events.get_final_response(), lines.plain)

    await asyncio.gather(*(one() for _ in range(8)))


@step("tool loop")
async def tool_loop() -> None:
    items: list = [{"role": "user", "content": question}]
    first = await client.responses.create(model=model, input=items, tools=[weather])
    assert len(calls_in(first)) == 1
    items += [*first.output, *results(first)]
    second = await client.responses.create(model=model, input=items, tools=[weather])
    check(second, lines.settled)
    items += [*second.output, {"role": "user", "content": "Thank you."}]
    check(await client.responses.create(model=model, input=items, tools=[weather]), lines.plain)


@step("tool loop, streamed")
async def tool_loop_streamed() -> None:
    text = ""
    async with client.responses.stream(model=model, input=question, tools=[weather]) as events:
        async for event in events:
            if event.type == "response.function_call_arguments.delta":
                text += event.delta
        first = await events.get_final_response()
    assert [call.arguments for call in calls_in(first)] == [text]
    async with client.responses.stream(
        model=model, input=results(first), previous_response_id=first.id, tools=[weather]
    ) as events:
        check(await events.get_final_response(), lines.settled)


@step("parallel calls")
async def parallel_calls() -> None:
    first = await client.responses.create(model=model, input="[[run here]] [[run there]]", tools=[weather])
    assert len({call.call_id for call in calls_in(first)}) == 2
    second = await client.responses.create(
        model=model, input=results(first), previous_response_id=first.id, tools=[weather]
    )
    check(second, lines.settled)


@step("structured output")
async def structured_output() -> None:
    response = await client.responses.parse(model=model, input="Plan a trip.", text_format=Trip)
    assert isinstance(response.output_parsed, Trip)
    async with client.responses.stream(model=model, input="Plan a trip.", text_format=Trip) as events:
        assert isinstance((await events.get_final_response()).output_parsed, Trip)


@step("reasoning replay")
async def reasoning_replay() -> None:
    settings = {
        "model": model,
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "medium", "summary": "auto"},
    }
    items: list = [{"role": "user", "content": "[[think]] about it."}]
    first = await client.responses.create(input=items, **settings)
    check(first, lines.considered)
    thinking = first.output[0]
    assert thinking.type == "reasoning" and thinking.encrypted_content
    assert "".join(part.text for part in thinking.summary) == lines.thought
    items += [*first.output, {"role": "user", "content": "Say hello."}]
    check(await client.responses.create(input=items, **settings), lines.plain)


@step("image")
async def image() -> None:
    content = [
        {"type": "input_text", "text": "Say hello."},
        {"type": "input_image", "image_url": picture, "detail": "auto"},
        {"type": "input_file", "filename": "hello.txt", "file_data": "data:text/plain;base64,aGVsbG8="},
    ]
    check(await client.responses.create(model=model, input=[{"role": "user", "content": content}]), lines.plain)


@step("retrieve, input_items, delete")
async def read_back() -> None:
    asked = [{"role": "user", "content": text} for text in ("one", "two", "three")]
    created = await client.responses.create(model=model, input=asked, metadata={"topic": "greeting"})
    assert await client.responses.retrieve(created.id) == created
    pages = client.responses.input_items.list(created.id, order="asc", limit=2)
    assert [item.content[0].text async for item in pages] == ["one", "two", "three"]
    await client.responses.delete(created.id)
    await refusal(openai.NotFoundError, client.responses.retrieve(created.id))


@step("models")
async def models() -> None:
    assert [found.id async for found in client.models.list()] == [model]
    assert (await client.models.retrieve(model)).id == model


@step("errors")
async def errors() -> None:
    number = await refusal(openai.BadRequestError, client.responses.create(model=model, input=1))
    assert (number.param, number.type) == ("input", "invalid_request_error")
    unknown = client.responses.create(model=model, input="Go on.", previous_response_id="resp_unknown")
    assert (await refusal(openai.APIStatusError, unknown)).code == "previous_response_not_found"
    long = await refusal(openai.BadRequestError, client.responses.create(model=model, input=too_long))
    assert (long.code, long.param) == ("context_length_exceeded", "input")
    # OpenAI sends this code, too (Codex compacts on it), but the SDK's type of a failed Response does not name it.
    lenient = openai.AsyncOpenAI(base_url=stage.baseUrl, api_key="none", max_retries=0)
    async with lenient.responses.stream(model=model, input=too_long) as events:
        last = [event async for event in events][-1]
    assert last.type == "response.failed" and last.response.error
    assert last.response.error.code == "context_length_exceeded"


play()
