// Owns how the steps ask, and what they make of an answer.
package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"
)

type (
	params = responses.ResponseNewParams
	item   = responses.ResponseInputItemUnionParam
)

var background = context.Background()

func client() *openai.Client {
	made := openai.NewClient(option.WithBaseURL(stage.BaseURL), option.WithAPIKey("none"), option.WithMaxRetries(0))
	return &made
}

func answer(asked params) *responses.Response {
	asked.Model = stage.Model
	return must(client().Responses.New(background, asked))
}

// refusal is the error in which a request must end.
func refusal(asked params) *openai.Error {
	asked.Model = stage.Model
	_, err := client().Responses.New(background, asked)
	return refusalIn(err)
}

func refusalIn(err error) *openai.Error {
	var refused *openai.Error
	assert(errors.As(err, &refused), err)
	return refused
}

// streamed is what a stream comes down to.
type streamed struct {
	arguments, thinking, summary string
	last                         *responses.Response
}

func stream(asked params) streamed {
	asked.Model = stage.Model
	events := client().Responses.NewStreaming(background, asked)
	var got streamed
	var said string
	for events.Next() {
		event := events.Current()
		assert(got.last == nil, event.Type)
		switch event := event.AsAny().(type) {
		case responses.ResponseTextDeltaEvent:
			said += event.Delta
		case responses.ResponseFunctionCallArgumentsDeltaEvent:
			got.arguments += event.Delta
		case responses.ResponseReasoningTextDeltaEvent:
			got.thinking += event.Delta
		case responses.ResponseReasoningSummaryTextDeltaEvent:
			got.summary += event.Delta
		case responses.ResponseCompletedEvent:
			got.last = &event.Response
		case responses.ResponseFailedEvent:
			got.last = &event.Response
		case nil:
			panic("an event that the SDK does not know")
		}
	}
	must(0, events.Err())
	assert(got.last != nil, "no end")
	equal(got.last.OutputText(), said)
	return got
}

func check(response *responses.Response, said string) {
	equal(response.Status, responses.ResponseStatusCompleted)
	equal(response.OutputText(), said)
}

var weather = []responses.ToolUnionParam{{OfFunction: &responses.FunctionToolParam{
	Name:        "get_weather",
	Description: openai.String("Weather in a city"),
	Strict:      openai.Bool(true),
	Parameters: map[string]any{
		"type":                 "object",
		"properties":           map[string]any{"city": map[string]any{"type": "string"}},
		"required":             []string{"city"},
		"additionalProperties": false,
	},
}}}

var thorough = shared.ReasoningParam{Effort: shared.ReasoningEffortMedium, Summary: shared.ReasoningSummaryAuto}

func text(said string) responses.ResponseNewParamsInputUnion {
	return responses.ResponseNewParamsInputUnion{OfString: openai.String(said)}
}

func list(items []item) responses.ResponseNewParamsInputUnion {
	return responses.ResponseNewParamsInputUnion{OfInputItemList: items}
}

func said(words string) item {
	return responses.ResponseInputItemParamOfMessage(words, responses.EasyInputMessageRoleUser)
}

func callsIn(response *responses.Response) (calls []responses.ResponseFunctionToolCall) {
	for _, output := range response.Output {
		if output.Type == "function_call" {
			calls = append(calls, output.AsFunctionCall())
		}
	}
	return calls
}

func results(response *responses.Response) (items []item) {
	for _, call := range callsIn(response) {
		result := responses.ResponseInputItemParamOfFunctionCallOutput(`{"sky":"clear"}`)
		result.OfFunctionCallOutput.CallID = openai.String(call.CallID)
		items = append(items, result)
	}
	return items
}

// itemsOf is what was put out, word for word.
func itemsOf(response *responses.Response) (items []item) {
	for _, output := range response.Output {
		items = append(items, param.Override[item](json.RawMessage(output.RawJSON())))
	}
	return items
}
