"""Owns what LangChain for Python must be able to do here, over its `ChatOpenAI`."""

from typing import Literal

from langchain_core.messages import AIMessageChunk, HumanMessage, SystemMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from openai import APIStatusError
from play import picture, play, stage, step, too_long
from pydantic import BaseModel

lines = stage.lines
model = ChatOpenAI(
    model=stage.model, base_url=stage.baseUrl, api_key="none", use_responses_api=True, max_retries=0
)


@tool
def get_weather(city: str) -> str:
    """Weather in a city"""
    return f"clear in {city}"


class Trip(BaseModel):
    city: str
    days: int
    season: Literal["winter", "summer"]


bound = model.bind_tools([get_weather])
question = [SystemMessage("Be kind."), HumanMessage("[[tool]] What is the weather?")]


def results(message) -> list:
    return [get_weather.invoke(call) for call in message.tool_calls]


async def gather(chunks) -> AIMessageChunk:
    whole = None
    async for chunk in chunks:
        whole = chunk if whole is None else whole + chunk
    assert whole is not None
    return whole


@step("invoke")
async def invoke() -> None:
    message = await model.ainvoke("Say hello.")
    assert message.text == lines.plain
    assert message.usage_metadata and message.usage_metadata["output_tokens"] > 0


@step("stream")
async def stream() -> None:
    message = await gather(model.astream("Say hello."))
    assert message.text == lines.plain
    assert message.usage_metadata and message.usage_metadata["output_tokens"] > 0


@step("silence")
async def silence() -> None:
    assert (await gather(model.astream(stage.slowly))).text == lines.plain


@step("tool loop")
async def tool_loop() -> None:
    first = await bound.ainvoke(question)
    assert len(first.tool_calls) == 1
    answered = [*question, first, *results(first)]
    second = await bound.ainvoke(answered)
    assert second.text == lines.settled
    assert (await bound.ainvoke([*answered, second, HumanMessage("Thank you.")])).text == lines.plain


@step("tool loop, streamed")
async def tool_loop_streamed() -> None:
    first = await gather(bound.astream(question))
    assert len(first.tool_calls) == 1
    second = await gather(bound.astream([*question, first, *results(first)]))
    assert second.text == lines.settled


@step("tool loop, previous_response_id")
async def tool_loop_chained() -> None:
    first = await bound.ainvoke(question)
    second = await bound.ainvoke(results(first), previous_response_id=first.response_metadata["id"])
    assert second.text == lines.settled


@step("parallel calls")
async def parallel_calls() -> None:
    messages = [HumanMessage("[[run here]] [[run there]]")]
    first = await bound.ainvoke(messages)
    assert len(first.tool_calls) == 2
    assert (await bound.ainvoke([*messages, first, *results(first)])).text == lines.settled


@step("structured output")
async def structured_output() -> None:
    planner = model.with_structured_output(Trip, method="json_schema", strict=True)
    assert isinstance(await planner.ainvoke("Plan a trip."), Trip)


@step("reasoning")
async def reasoning() -> None:
    message = await gather(model.astream("[[think]] about it."))
    assert message.text == lines.considered
    next_message = await model.ainvoke([HumanMessage("[[think]] about it."), message, HumanMessage("Say hello.")])
    assert next_message.text == lines.plain


@step("image")
async def image() -> None:
    content = [{"type": "text", "text": "Say hello."}, {"type": "image_url", "image_url": {"url": picture}}]
    assert (await model.ainvoke([HumanMessage(content)])).text == lines.plain


@step("errors")
async def errors() -> None:
    for words, settings in (("Go on.", {"previous_response_id": "resp_unknown"}), (too_long, {})):
        try:
            await model.ainvoke(words, **settings)
        except APIStatusError:
            continue
        raise AssertionError("No error")


play()
