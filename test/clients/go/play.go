// Owns the far side of ../played.ts in Go: plays the steps it is told on standard input, and answers a line for each.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
)

// stage is Stage of ../suite.ts, as far as a program needs it.
var stage struct {
	BaseURL string `json:"baseUrl"`
	Model   string `json:"model"`
	Lines   struct {
		Plain      string `json:"plain"`
		Thought    string `json:"thought"`
		Considered string `json:"considered"`
		Settled    string `json:"settled"`
	} `json:"lines"`
	// A PNG in base64.
	Pixel string `json:"pixel"`
	// What makes the model silent for long.
	Slowly string `json:"slowly"`
}

var tooLong = strings.Repeat("word ", 40_000)

// play ends with standard input. A step that panics has failed.
func play(steps map[string]func()) {
	if err := json.Unmarshal([]byte(os.Getenv("STAGE")), &stage); err != nil {
		panic(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		line, err := json.Marshal(struct {
			Step    string  `json:"step"`
			Problem *string `json:"problem"`
		}{lines.Text(), problemOf(steps[lines.Text()])})
		if err != nil {
			panic(err)
		}
		fmt.Println(string(line))
	}
}

func problemOf(step func()) (problem *string) {
	defer func() {
		if cause := recover(); cause != nil {
			text := fmt.Sprintf("%v\n%s", cause, debug.Stack())
			problem = &text
		}
	}()
	step()
	return nil
}

// must is value, where there is no error.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func equal[T comparable](actual, expected T) {
	if actual != expected {
		panic(fmt.Sprintf("%v instead of %v", actual, expected))
	}
}

func assert(holds bool, what any) {
	if !holds {
		panic(fmt.Sprintf("Unexpected: %v", what))
	}
}
