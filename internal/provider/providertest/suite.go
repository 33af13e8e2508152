package providertest

import (
	"net/http"
	"testing"

	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// Harness is what a provider brings to the suite.
type Harness struct {
	Kind   provider.Kind
	Traits emulator.Traits

	// Check judges each call that the vendor gets, for instance by the vendor's
	// own description of its API; nil = the emulator alone does.
	Check func(r *http.Request, body []byte) error

	// BuiltIn is set instead of Traits for a desk that is part of this program. It
	// has no credentials, no network and no webhooks, and the suite checks that it
	// does without them.
	BuiltIn bool
}

// testCase is a row of the table.
type testCase struct {
	name    string
	run     func(*env)
	builtIn func(*builtIn)
}

func cases() []testCase {
	out, in := (*builtIn).works, (*builtIn).noWebhookIsGenuine
	return []testCase{
		{"good credentials", goodCredentials, out},
		{"bad credentials", badCredentials, out},
		{"credentials revoked in mid-session", revokedCredentials, out},
		{"start: transcript, identity, question", start, out},
		{"start without an e-mail", startWithoutEmail, out},
		{"start with little", startWithLittle, out},
		{"second session of the same customer", secondSession, out},
		{"two sessions at once stay apart", sessionsApart, out},
		{"strangers are not taken for one", strangers, out},
		{"message: text arrives literally", messagesArriveLiterally, out},
		{"message: text over the limit", longText, out},
		{"message: files, or links to them", filesArrive, out},
		{"customer types", customerTypes, out},
		{"customer has read", customerReads, out},
		{"close: customer, operator, time-outs", closeReasons, out},
		{"close of what is closed or gone", closeTwice, out},
		{"start whose answer was lost", repeatedStart, out},
		{"message whose answer was lost", repeatedMessage, out},
		{"close whose answer was lost", repeatedClose, out},
		{"idempotency keys", idempotencyKeys, out},
		{"human's message arrives literally", humanMessage, in},
		{"human's formatting becomes text, with its links", humanHTML, in},
		{"human's file can be fetched", humanFile, in},
		{"human types, and stops", humanTypes, in},
		{"human says good-bye and closes", humanFarewell, in},
		{"human joins", humanJoins, in},
		{"human transfers to another", humanTransfers, in},
		{"human snoozes", silentAct(emulator.Snooze), in},
		{"human closes", humanClose, in},
		{"human reopens", silentAct(emulator.Reopen), in},
		{"human deletes", humanDeletes, in},
		{"human's notes stay inside", silentAct(emulator.Note), in},
		{"vendor's bots are no humans", silentAct(emulator.Bot), in},
		{"our own echo is no human", ownEcho, in},
		{"read receipts say nothing", silentAct(emulator.Read), in},
		{"unknown events are ignored", silentAct(emulator.Unknown), in},
		{"new fields are ignored", newFields, in},
		{"what no webhook told is asked for", reconcile, in},
		{"handshakes", handshakes, in},
		{"webhooks twice", duplicateWebhooks, in},
		{"webhooks late and in another order", reorderedWebhooks, in},
		{"webhooks forged or unsigned", forgedWebhooks, in},
		{"webhooks replayed", staleWebhooks, in},
		{"webhooks too large", oversizedWebhooks, in},
		{"webhooks that are garbage", garbageWebhooks, in},
		{"401 and 403", refusedCredentials, out},
		{"404, 409, 422 and other refusals", refusedForGood, out},
		{"429 with and without a wait", rateLimited, out},
		{"408, 425 and 5xx", tryAgain, out},
		{"no answer", noAnswer, out},
		{"cut connection", cutConnection, out},
		{"redirects are not followed", redirects, out},
	}
}

// Run runs the suite for one provider.
func Run(t *testing.T, h Harness) {
	t.Helper()
	run(t, h, nil)
}

// RunAll runs the suite for all providers and returns the table of what came of it.
func RunAll(t *testing.T, all []Harness) Table {
	t.Helper()
	table := newTable()
	for _, h := range all {
		t.Run(h.Kind.Describe().Name, func(t *testing.T) { run(t, h, &table) })
	}
	return table
}

func run(t *testing.T, h Harness, table *Table) {
	t.Helper()
	for _, c := range cases() {
		var why string
		ran := false
		passed := t.Run(c.name, func(t *testing.T) {
			ran = true
			if h.BuiltIn {
				b := newBuiltIn(t, h.Kind)
				c.builtIn(b)
				why = b.why
				return
			}
			e := newEnv(t, h)
			defer func() { why = e.why }()
			c.run(e)
			e.assertNoLeak(t)
		})
		if ran {
			table.set(c.name, h.Kind.Describe().Name, passed, why)
		}
	}
}
