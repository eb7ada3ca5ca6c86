"""Threads of OpenAI's Python SDK: `python sdk.py THREAD`, at the server that BASE_URL names."""

import asyncio
import os
import sys

from openai import AsyncOpenAI
from pydantic import BaseModel

client = AsyncOpenAI(base_url=os.environ["BASE_URL"], api_key="none")
weather = {
    "type": "function",
    "name": "get_weather",
    "description": "Weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


class Trip(BaseModel):
    city: str
    days: int


async def tools():
    items = [{"role": "user", "content": "[[think]] [[tool]]"}]
    first = await client.responses.create(model="scripted", input=items, tools=[weather])
    items += first.output
    for item in first.output:
        if item.type == "function_call":
            items.append({"type": "function_call_output", "call_id": item.call_id, "output": "sunny"})
    second = await client.responses.create(model="scripted", input=items, tools=[weather])
    items += second.output
    items.append({"role": "user", "content": "And again."})
    await client.responses.create(model="scripted", input=items, tools=[weather])


async def chained():
    first = await client.responses.create(model="scripted", input="Say hello.", instructions="Say hello.")
    await client.responses.create(model="scripted", input="And again.", previous_response_id=first.id)


async def streamed():
    async with client.responses.stream(model="scripted", input="[[think]]", store=False) as stream:
        async for _ in stream:
            pass


async def parsed():
    await client.responses.parse(model="scripted", input="Plan a trip.", text_format=Trip)


async def files():
    content = [
        {"type": "input_text", "text": "Say hello."},
        {"type": "input_image", "image_url": os.environ["PIXEL"], "detail": "auto"},
        {"type": "input_file", "filename": "hello.txt", "file_data": "data:text/plain;base64,aGVsbG8="},
    ]
    await client.responses.create(model="scripted", input=[{"role": "user", "content": content}])


asyncio.run(globals()[sys.argv[1]]())
