package wire

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
	"github.com/human-handoff/handoff/internal/handoff"
)

const trueNow = "Humans are there now. Do not promise how soon somebody comes."

// object reads a JSON object out of an answer.
func object(t *testing.T, from map[string]any, path ...string) map[string]any {
	t.Helper()
	for _, name := range path {
		next, ok := from[name].(map[string]any)
		require.True(t, ok, "%s of %v", name, from)
		from = next
	}
	return from
}

func TestToolInTheFormsOfVendors(t *testing.T) {
	t.Parallel()
	tool := handoff.Tool{Trigger: "When asked.", Now: trueNow, AsksEmail: handoff.AskAlways}
	r, err := ToTool(tool)
	require.NoError(t, err)
	require.Equal(t, "handoff_to_human", r.GetName())
	require.Equal(t, "When asked.\n\n"+trueNow, r.GetDescription())
	schema := r.GetInputSchema().AsMap()
	require.Equal(t, "object", schema["type"])
	require.Equal(t, false, schema["additionalProperties"])

	require.Equal(t, map[string]any{
		"type":     "function",
		"function": map[string]any{"name": r.GetName(), "description": r.GetDescription(), "parameters": schema},
	}, r.GetOpenai().AsMap())
	require.Equal(t, map[string]any{
		"name": r.GetName(), "description": r.GetDescription(), "input_schema": schema,
	}, r.GetAnthropic().AsMap())
}

func TestToolInputAsksForTheAddress(t *testing.T) {
	t.Parallel()
	for ask, want := range map[handoff.Ask]struct {
		property, required bool
	}{
		handoff.AskNever: {false, false}, handoff.AskIfTold: {true, false}, handoff.AskAlways: {true, true},
	} {
		r, err := ToTool(handoff.Tool{AsksEmail: ask})
		require.NoError(t, err)
		schema := r.GetInputSchema().AsMap()
		properties := object(t, schema, "properties")
		require.Equal(t, want.property, properties["email"] != nil, "%d", ask)
		wanted := []any{"question", "reason"}
		if want.required {
			wanted = append(wanted, "email")
		}
		require.Equal(t, wanted, schema["required"])
		for _, name := range wanted {
			require.Equal(t, "string", object(t, properties, name.(string))["type"])
			require.NotEmpty(t, object(t, properties, name.(string))["description"])
		}
	}
}

// OpenAI takes 1,024 characters. What is cut is when to use the tool; what is true
// at this moment is whole.
func TestOpenAIDescriptionFits(t *testing.T) {
	t.Parallel()
	room := maxOpenAIDescription - len(trueNow) - len("\n\n")
	for _, test := range []struct {
		desc, trigger string
		cut           bool
	}{
		{"the longest trigger", strings.Repeat("a", 4096), true},
		{"in characters of three bytes", strings.Repeat("包", 4096/3), true},
		{"just too long", strings.Repeat("é", room+1), true},
		{"just fits", strings.Repeat("é", room), false},
		{"short", "When asked.", false},
	} {
		t.Run(test.desc, func(t *testing.T) {
			t.Parallel()
			r, err := ToTool(handoff.Tool{Trigger: test.trigger, Now: trueNow})
			require.NoError(t, err)
			require.Equal(t, test.trigger+"\n\n"+trueNow, r.GetDescription(), "only OpenAI's is cut")
			require.Equal(t, r.GetDescription(), r.GetAnthropic().AsMap()["description"])
			got, ok := object(t, r.GetOpenai().AsMap(), "function")["description"].(string)
			require.True(t, ok)
			require.True(t, utf8.ValidString(got))
			require.LessOrEqual(t, utf8.RuneCountInString(got), 1024)
			require.True(t, strings.HasSuffix(got, "\n\n"+trueNow))
			trigger := strings.TrimSuffix(got, "\n\n"+trueNow)
			if !test.cut {
				require.Equal(t, test.trigger, trigger)
				return
			}
			require.Equal(t, 1024, utf8.RuneCountInString(got), "no more is cut than has to be")
			require.True(t, strings.HasSuffix(trigger, "…"))
			require.True(t, strings.HasPrefix(test.trigger, strings.TrimSuffix(trigger, "…")))
		})
	}
}

// An operator's reply of 4,096 bytes is part of what is true now.
func TestOpenAIDescriptionFitsWithALongReply(t *testing.T) {
	t.Parallel()
	now := "Nobody is there: do not promise a human. Then tell the customer: “" + strings.Repeat("包", 4096/3) + "”"
	r, err := ToTool(handoff.Tool{Trigger: strings.Repeat("a", 4096), Now: now})
	require.NoError(t, err)
	got, ok := object(t, r.GetOpenai().AsMap(), "function")["description"].(string)
	require.True(t, ok)
	require.Equal(t, 1024, utf8.RuneCountInString(got))
	require.Contains(t, got, "Nobody is there: do not promise a human. ")
	require.Contains(t, r.GetDescription(), now)
}

func TestToolHasAReplyForEveryOutcome(t *testing.T) {
	t.Parallel()
	texts := handoff.Settings{}.TextsFor("zh")
	r, err := ToTool(handoff.Tool{Texts: texts})
	require.NoError(t, err)
	want := []string{"SESSION"}
	for _, names := range []map[int32]string{handoffv1.DeclineReason_name, handoffv1.CloseReason_name} {
		for number, name := range names {
			if number != 0 {
				want = append(want, name)
			}
		}
	}
	require.Len(t, r.GetReplies(), len(want))
	for _, name := range want {
		require.NotEmpty(t, r.GetReplies()[name], name)
	}
	require.Equal(t, texts.Connecting, r.GetReplies()["SESSION"])
	require.Equal(t, texts.OutOfPeriod, r.GetReplies()["DECLINE_REASON_OUT_OF_SERVICE_PERIOD"])
	require.Equal(t, texts.WaitTimeout, r.GetReplies()["CLOSE_REASON_WAIT_TIMEOUT"])
}
