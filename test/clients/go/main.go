// Owns what OpenAI's Go SDK must be able to do here.
package main

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"
)

const question = "[[tool]] What is the weather?"

func main() {
	play(map[string]func(){
		"create":                        create,
		"create, cut":                   createCut,
		"stream":                        streamText,
		"silence":                       silence,
		"stream, aborted":               streamAborted,
		"eight streams at once":         streamMany,
		"tool loop":                     toolLoop,
		"tool loop, streamed":           toolLoopStreamed,
		"parallel calls":                parallelCalls,
		"structured output":             structuredOutput,
		"image":                         image,
		"errors":                        meetErrors,
		"reasoning":                     reasoning,
		"reasoning replay":              reasoningReplay,
		"retrieve, input_items, delete": readBack,
		"models":                        models,
	})
}

func create() {
	response := answer(params{Instructions: openai.String("Be kind."), Input: text("Say hello.")})
	check(response, stage.Lines.Plain)
	equal(string(response.Model), stage.Model)
	equal(response.Instructions.OfString, "Be kind.")
	usage := response.Usage
	assert(usage.InputTokens > 0 && usage.OutputTokens > 0, usage)
	equal(usage.TotalTokens, usage.InputTokens+usage.OutputTokens)
}

func createCut() {
	response := answer(params{Input: text("[[long]]"), MaxOutputTokens: openai.Int(20)})
	equal(response.Status, responses.ResponseStatusIncomplete)
	equal(string(response.IncompleteDetails.Reason), "max_output_tokens")
}

func streamText() {
	check(stream(params{Input: text("Say hello.")}).last, stage.Lines.Plain)
}

func silence() {
	check(stream(params{Input: text(stage.Slowly)}).last, stage.Lines.Plain)
}

// The SDK closes the connection; the next request finds the engine free.
func streamAborted() {
	events := client().Responses.NewStreaming(background, params{Model: stage.Model, Input: text("[[long]]")})
	for events.Next() && events.Current().Type != "response.output_text.delta" {
	}
	if err := errors.Join(events.Err(), events.Close()); err != nil {
		panic(err)
	}
	check(answer(params{Input: text("Say hello.")}), stage.Lines.Plain)
}

func streamMany() {
	var group sync.WaitGroup
	problems := make([]*string, 8)
	for index := range problems {
		group.Go(func() { problems[index] = problemOf(streamText) })
	}
	group.Wait()
	for _, problem := range problems {
		if problem != nil {
			panic(*problem)
		}
	}
}

func toolLoop() {
	input := []item{said(question)}
	first := answer(params{Input: list(input), Tools: weather})
	equal(len(callsIn(first)), 1)
	input = append(append(input, itemsOf(first)...), results(first)...)
	second := answer(params{Input: list(input), Tools: weather})
	check(second, stage.Lines.Settled)
	input = append(append(input, itemsOf(second)...), said("Thank you."))
	check(answer(params{Input: list(input), Tools: weather}), stage.Lines.Plain)
}

func toolLoopStreamed() {
	first := stream(params{Input: text(question), Tools: weather})
	calls := callsIn(first.last)
	equal(len(calls), 1)
	equal(calls[0].Arguments, first.arguments)
	second := stream(params{
		Input: list(results(first.last)), PreviousResponseID: openai.String(first.last.ID), Tools: weather,
	})
	check(second.last, stage.Lines.Settled)
}

func parallelCalls() {
	first := stream(params{Input: text("[[run here]] [[run there]]"), Tools: weather}).last
	calls := callsIn(first)
	equal(len(calls), 2)
	assert(calls[0].CallID != calls[1].CallID, calls[0].CallID)
	second := answer(params{Input: list(results(first)), PreviousResponseID: openai.String(first.ID), Tools: weather})
	check(second, stage.Lines.Settled)
}

func structuredOutput() {
	format := responses.ResponseFormatTextConfigParamOfJSONSchema("trip", map[string]any{
		"type": "object",
		"properties": map[string]any{
			"city": map[string]any{"type": "string"},
			"days": map[string]any{"type": "integer"},
		},
		"required":             []string{"city", "days"},
		"additionalProperties": false,
	})
	wanted := params{Input: text("Plan a trip."), Text: responses.ResponseTextConfigParam{Format: format}}
	for _, response := range []*responses.Response{answer(wanted), stream(wanted).last} {
		equal(response.Status, responses.ResponseStatusCompleted)
		var trip struct {
			City *string `json:"city"`
			Days *int    `json:"days"`
		}
		must(0, json.Unmarshal([]byte(response.OutputText()), &trip))
		assert(trip.City != nil && trip.Days != nil, response.OutputText())
	}
}

func image() {
	picture := responses.ResponseInputContentParamOfInputImage(responses.ResponseInputImageDetailAuto)
	picture.OfInputImage.ImageURL = openai.String("data:image/png;base64," + stage.Pixel)
	content := responses.ResponseInputMessageContentListParam{
		responses.ResponseInputContentParamOfInputText("Say hello."), picture,
	}
	message := responses.ResponseInputItemParamOfMessage(content, responses.EasyInputMessageRoleUser)
	check(answer(params{Input: list([]item{message})}), stage.Lines.Plain)
}

func meetErrors() {
	cold := refusal(params{Input: text("Say hello."), Temperature: openai.Float(-1)})
	equal(cold.StatusCode, 400)
	equal(cold.Param, "temperature")
	equal(cold.Type, "invalid_request_error")
	unknown := refusal(params{Input: text("Go on."), PreviousResponseID: openai.String("resp_unknown")})
	equal(unknown.Code, "previous_response_not_found")
	// More than the context holds: refused before it begins, and failed where it has begun.
	long := refusal(params{Input: text(tooLong)})
	equal(long.Code, "context_length_exceeded")
	failed := stream(params{Input: text(tooLong)}).last
	equal(failed.Status, responses.ResponseStatusFailed)
	equal(string(failed.Error.Code), "context_length_exceeded")
}

// Thinking comes as raw text, or as the summary where one is asked for.
func reasoning() {
	raw := stream(params{Input: text("[[think]] about it.")})
	check(raw.last, stage.Lines.Considered)
	equal(raw.thinking, stage.Lines.Thought)
	summed := stream(params{Input: text("[[think]] about it."), Reasoning: thorough})
	equal(summed.summary, stage.Lines.Thought)
}

func reasoningReplay() {
	settings := params{
		Store:     openai.Bool(false),
		Include:   []responses.ResponseIncludable{responses.ResponseIncludableReasoningEncryptedContent},
		Reasoning: thorough,
	}
	input := []item{said("[[think]] about it.")}
	settings.Input = list(input)
	first := answer(settings)
	check(first, stage.Lines.Considered)
	thinking := first.Output[0].AsReasoning()
	assert(thinking.EncryptedContent != "", first.RawJSON())
	equal(len(thinking.Summary), 1)
	equal(thinking.Summary[0].Text, stage.Lines.Thought)
	settings.Input = list(append(append(input, itemsOf(first)...), said("Say hello.")))
	check(answer(settings), stage.Lines.Plain)
}

func readBack() {
	created := answer(params{
		Input:    list([]item{said("one"), said("two"), said("three")}),
		Metadata: shared.Metadata{"topic": "greeting"},
	})
	service := client().Responses
	found := must(service.Get(background, created.ID, responses.ResponseGetParams{}))
	equal(found.RawJSON(), created.RawJSON())
	pages := service.InputItems.ListAutoPaging(background, created.ID, responses.InputItemListParams{
		Order: responses.InputItemListParamsOrderAsc, Limit: openai.Int(2),
	})
	var texts []string
	for pages.Next() {
		texts = append(texts, pages.Current().Content.OfInputItemContentList[0].Text)
	}
	must(0, pages.Err())
	equal(strings.Join(texts, " "), "one two three")
	must(0, service.Delete(background, created.ID))
	_, err := service.Get(background, created.ID, responses.ResponseGetParams{})
	equal(refusalIn(err).StatusCode, 404)
}

func models() {
	page := must(client().Models.List(background))
	equal(len(page.Data), 1)
	equal(page.Data[0].ID, stage.Model)
	equal(must(client().Models.Get(background, stage.Model)).ID, stage.Model)
}
