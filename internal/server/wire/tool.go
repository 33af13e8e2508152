package wire

import (
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/structpb"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
)

// maxOpenAIDescription is how many characters OpenAI takes: a longer description
// of a function is refused as "string too long. Expected a string with maximum
// length 1024".
const maxOpenAIDescription = 1024

// ToTool returns the tool for a model, in our form and in those of two vendors.
//
// Sources: https://platform.openai.com/docs/guides/function-calling and
// https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/overview.
func ToTool(t handoff.Tool) (*handoffv1.GetHandoffToolResponse, error) {
	description := t.Trigger + "\n\n" + t.Now
	schema := toolInput(t.AsksEmail)
	openAI := map[string]any{
		"type": "function",
		"function": map[string]any{
			"name": handoff.ToolName, "description": shorten(t, maxOpenAIDescription), "parameters": schema,
		},
	}
	anthropic := map[string]any{"name": handoff.ToolName, "description": description, "input_schema": schema}
	r := &handoffv1.GetHandoffToolResponse{Name: handoff.ToolName, Description: description, Replies: toolReplies(t.Texts)}
	for _, form := range []struct {
		to   **structpb.Struct
		from map[string]any
	}{{&r.InputSchema, schema}, {&r.Openai, openAI}, {&r.Anthropic, anthropic}} {
		s, err := structpb.NewStruct(form.from)
		if err != nil {
			return nil, fmt.Errorf("tool: %w", err)
		}
		*form.to = s
	}
	return r, nil
}

// shorten cuts when to use the tool, not what is true now.
func shorten(t handoff.Tool, limit int) string {
	trigger, room := []rune(t.Trigger), limit-utf8.RuneCountInString(t.Now)-len("\n\n")
	if len(trigger) > room {
		trigger = append(trigger[:max(0, room-1)], '…')
	}
	description := []rune(string(trigger) + "\n\n" + t.Now)
	return string(description[:min(len(description), limit)])
}

func toolInput(email handoff.Ask) map[string]any {
	text := func(description string) map[string]any {
		return map[string]any{"type": "string", "description": description}
	}
	properties := map[string]any{
		"question": text("What the customer wants to know from the human, in the customer's language."),
		"reason":   text("Why a human is needed, in a sentence for the human."),
	}
	required := []any{"question", "reason"}
	switch email {
	case handoff.AskAlways:
		properties["email"] = text("The customer's e-mail address. Ask the customer for it; never make one up.")
		required = append(required, "email")
	case handoff.AskIfTold:
		properties["email"] = text("The customer's e-mail address, if the customer told it. Do not ask for it, and never make one up.")
	case handoff.AskNever:
	}
	return map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}

// toolReplies returns what to say after each outcome, by its name in the API.
func toolReplies(t handoff.Texts) map[string]string {
	replies := map[string]string{"SESSION": t.Connecting}
	for reason, name := range declineReasons.to {
		replies[name.String()] = t.Declined(reason)
	}
	for reason, name := range closeReasons.to {
		replies[name.String()] = t.Ended(reason)
	}
	return replies
}
