"""Owns what OpenAI's Agents SDK for Python must be able to do here."""

from typing import Literal

from agents import (
    Agent,
    ModelSettings,
    OpenAIResponsesModel,
    Runner,
    SQLiteSession,
    function_tool,
    set_tracing_disabled,
)
from openai import APIStatusError, AsyncOpenAI
from openai.types.shared import Reasoning
from play import picture, play, stage, step, too_long
from pydantic import BaseModel

lines = stage.lines
set_tracing_disabled(True)
model = OpenAIResponsesModel(
    model=stage.model, openai_client=AsyncOpenAI(base_url=stage.baseUrl, api_key="none", max_retries=0)
)
cities: list[str] = []
question = "[[tool]] What is the weather?"


@function_tool
def get_weather(city: str) -> str:
    """Weather in a city"""
    cities.append(city)
    return "clear"


class Trip(BaseModel):
    city: str
    days: int
    season: Literal["winter", "summer"]


guide = Agent(name="Guide", instructions="Be kind.", model=model, tools=[get_weather])


@step("run")
async def run() -> None:
    result = await Runner.run(guide, "Say hello.")
    assert result.final_output == lines.plain
    assert result.raw_responses[0].usage.output_tokens > 0


@step("run, streamed")
async def run_streamed() -> None:
    result = Runner.run_streamed(guide, "Say hello.")
    text = ""
    async for event in result.stream_events():
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
            text += event.data.delta
    assert text == result.final_output == lines.plain


@step("silence")
async def silence() -> None:
    result = Runner.run_streamed(guide, stage.slowly)
    async for _ in result.stream_events():
        pass
    assert result.final_output == lines.plain


@step("tool loop")
async def tool_loop() -> None:
    cities.clear()
    first = await Runner.run(guide, question)
    assert first.final_output == lines.settled and len(cities) == 1
    second = await Runner.run(guide, [*first.to_input_list(), {"role": "user", "content": "Thank you."}])
    assert second.final_output == lines.plain


@step("tool loop, streamed")
async def tool_loop_streamed() -> None:
    cities.clear()
    result = Runner.run_streamed(guide, question)
    names = [event.name async for event in result.stream_events() if event.type == "run_item_stream_event"]
    assert names == ["tool_called", "tool_output", "message_output_created"], names
    assert result.final_output == lines.settled and len(cities) == 1


@step("tool loop, previous_response_id")
async def tool_loop_chained() -> None:
    first = await Runner.run(guide, question)
    second = await Runner.run(guide, "Thank you.", previous_response_id=first.last_response_id)
    assert second.final_output == lines.plain


@step("parallel calls")
async def parallel_calls() -> None:
    cities.clear()
    result = await Runner.run(guide, "[[run here]] [[run there]]")
    assert result.final_output == lines.settled and len(cities) == 2


@step("handoff")
async def handoff() -> None:
    expert = Agent(name="Expert", instructions="Know all.", model=model)
    desk = Agent(name="Desk", instructions="Be kind.", model=model, tools=[get_weather], handoffs=[expert])
    result = await Runner.run(desk, "[[call transfer_to_expert]]")
    assert result.last_agent.name == "Expert" and result.final_output == lines.settled


@step("session")
async def session() -> None:
    kept = SQLiteSession("thread")
    await Runner.run(guide, question, session=kept)
    assert (await Runner.run(guide, "Thank you.", session=kept)).final_output == lines.plain
    assert len(await kept.get_items()) == 6
    kept.close()


@step("structured output")
async def structured_output() -> None:
    planner = Agent(name="Planner", instructions="Plan.", model=model, output_type=Trip)
    assert isinstance((await Runner.run(planner, "Plan a trip.")).final_output, Trip)


@step("reasoning replay")
async def reasoning_replay() -> None:
    settings = ModelSettings(
        store=False,
        reasoning=Reasoning(effort="medium", summary="auto"),
        response_include=["reasoning.encrypted_content"],
    )
    thinker = Agent(name="Thinker", instructions="Think.", model=model, model_settings=settings)
    first = await Runner.run(thinker, "[[think]] about it.")
    assert first.final_output == lines.considered
    second = await Runner.run(thinker, [*first.to_input_list(), {"role": "user", "content": "Say hello."}])
    assert second.final_output == lines.plain


@step("image")
async def image() -> None:
    content = [
        {"type": "input_text", "text": "Say hello."},
        {"type": "input_image", "image_url": picture, "detail": "auto"},
    ]
    assert (await Runner.run(guide, [{"role": "user", "content": content}])).final_output == lines.plain


@step("errors")
async def errors() -> None:
    for words, settings, code in (
        ("Go on.", {"previous_response_id": "resp_unknown"}, "previous_response_not_found"),
        (too_long, {}, "context_length_exceeded"),
    ):
        try:
            await Runner.run(guide, words, **settings)
        except APIStatusError as error:
            assert error.code == code, error.code
        else:
            raise AssertionError(f"No {code}")


play()
