package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	handoffv1 "github.com/human-handoff/handoff/gen/go/handoff/v1"
)

// tourBlock is a shell block of the README with a name in the comment before it.
var tourBlock = regexp.MustCompile("(?s)<!-- tour:([a-z0-9-]+) -->\n```sh\n(.*?)\n```")

// readTour returns the README's blocks by name, and the names in order.
func readTour(t *testing.T) (blocks map[string]string, names []string) {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join("..", "README.md"))
	require.NoError(t, err)
	blocks = map[string]string{}
	for _, match := range tourBlock.FindAllStringSubmatch(string(readme), -1) {
		name := match[1]
		require.NotContains(t, names, name, "a name twice")
		names, blocks[name] = append(names, name), match[2]
	}
	require.Len(t, names, strings.Count(string(readme), "<!-- tour:"), "each comment stands right before a ```sh block")
	require.Contains(t, names, "serve", "the README has a tour")
	require.Contains(t, names, "receiver")
	require.Contains(t, names, "curl-1")
	require.Contains(t, names, "go")
	return blocks, names
}

// TestReadmeTour does what the README tells a newcomer to do, word by word: the
// commands in the background as they are, and all that follow in one shell. Only
// the ports are others, and the programs are built already.
func TestReadmeTour(t *testing.T) {
	t.Parallel()
	blocks, names := readTour(t)
	gateway, desk := freeAddress(t), freeAddress(t)
	replacer := strings.NewReplacer(
		"127.0.0.1:8080", gateway, "localhost:8080", gateway, "127.0.0.1:9090", desk, "localhost:9090", desk,
		"go run ./cmd/handoff", bin.handoff, "go run ./examples/receiver", bin.receiver+" -listen "+desk,
		"go run ./examples/goclient", bin.goclient,
	)
	shell := func(script string, env ...string) *process {
		return startProcess(t, t.TempDir(), env, "/bin/bash", "-euo", "pipefail", "-c", script+"\n")
	}
	gatewayProcess := shell(execLast(replacer.Replace(blocks["serve"])), "HANDOFF_LISTEN="+gateway)
	require.Equal(t, "http://"+gateway, gatewayProcess.lineWith("listening on "))
	r := &receiver{t: t}
	r.process = shell(execLast(replacer.Replace(blocks["receiver"])))
	require.Equal(t, "http://"+desk, r.lineWith("listening on "))

	var script strings.Builder
	for _, name := range names {
		if strings.HasPrefix(name, "curl-") {
			fmt.Fprintf(&script, "echo 'tour:%s'\n%s\n", name, replacer.Replace(blocks[name]))
		}
	}
	// Left for the test, which does not know what the README calls things.
	script.WriteString("printf 'key %s\\nsession %s\\n' \"$HANDOFF_ADMIN_KEY\" \"$session\"\n")
	tour := shell(script.String())
	key := tour.lineWith("key ")
	id := tour.lineWith("session ")
	code, ended := tour.wait(patience)
	require.True(t, ended)
	require.Zero(t, code)

	s := &server{t: t, url: "http://" + gateway, vault: newVault()}
	requireTourOutcome(t, s.client(key), r, id)
	requireGoClient(t, s.client(key), r, shell, replacer.Replace(blocks["go"]), key)
}

// shellBlock is any shell block of a page.
var shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)\n```")

// TestScheduleDocs runs every command of docs/schedule.md, after the README's first
// ones.
func TestScheduleDocs(t *testing.T) {
	t.Parallel()
	blocks, _ := readTour(t)
	page, err := os.ReadFile(filepath.Join("..", "docs", "schedule.md"))
	require.NoError(t, err)
	s, r := startServer(t), startReceiver(t)
	commands := []string{blocks["curl-1"]}
	for _, block := range shellBlock.FindAllStringSubmatch(string(page), -1) {
		commands = append(commands, block[1])
	}
	// The key of the README is made up.
	script := strings.NewReplacer("127.0.0.1:8080", s.address(), "http://127.0.0.1:9090", r.url,
		"export HANDOFF_ADMIN_KEY=a-key-that-you-made-up\n", "").Replace(strings.Join(commands, "\n"))
	stdout, stderr, code := runProgram(t, t.TempDir(), s.env, "/bin/bash", "-euo", "pipefail", "-c", script)
	require.Zero(t, code, stderr)
	assert.Contains(t, stdout, `"IN_PERIOD"`, "00:30 UTC is 01:30 of Friday's night in Vienna")

	settings := s.provider("shop").GetSettings()
	assert.Len(t, settings.GetServicePeriods(), 3)
	var dates []string
	for _, date := range settings.GetClosedDates() {
		dates = append(dates, date.GetDate()+" "+date.GetNote())
	}
	assert.Equal(t, []string{"01-06 Epiphany", "12-25 Christmas", "2026-05-14 "}, dates)
	assert.NotEmpty(t, settings.GetTexts()["de"].GetOutOfPeriodReply())
}

// execLast makes the last command of a script replace the shell, so that a signal
// reaches the program.
func execLast(script string) string {
	lines := strings.Split(strings.TrimSpace(script), "\n")
	lines[len(lines)-1] = "exec " + lines[len(lines)-1]
	return strings.Join(lines, "\n")
}

func requireTourOutcome(t *testing.T, c *client, r *receiver, id string) {
	t.Helper()
	assert.Len(t, r.probes(), 1)
	assert.Equal(t, []string{"Q Where is my parcel?", "A It left our warehouse on Monday.", "Q I want to talk to a human."},
		r.await(id, "/conversation/establish", 1)[0].turns())
	assert.Equal(t, "Is anybody there?", r.await(id, "/chat", 1)[0].text())
	assert.Equal(t, "USER_CLOSED", r.await(id, "/conversation/close", 1)[0].Body.Type)
	var texts []string
	events := c.events(t, id)
	requireGapless(t, events)
	for _, event := range events {
		if message := event.GetMessage(); message != nil {
			texts = append(texts, message.GetText())
		}
	}
	assert.Equal(t, []string{"Is anybody there?", "Hello, this is Joe."}, texts)
	assert.Equal(t, closed, last(events).GetStateChanged().GetState())
}

// requireGoClient runs the README's Go client and answers it as the human.
func requireGoClient(
	t *testing.T, c *client, r *receiver, shell func(script string, env ...string) *process, script, key string,
) {
	t.Helper()
	run := shell(script, "HANDOFF_URL="+c.s.url, "HANDOFF_ADMIN_KEY="+key)
	id := run.lineWith("session: ")
	r.await(id, "/chat", 1)
	status, body := c.post(t, "/v1/human/message/receive", reply(id, "Yes, Joe is here."))
	require.Equal(t, 200, status, body)
	code, ended := run.wait(patience)
	require.True(t, ended)
	require.Zero(t, code)
	all, _, _ := run.stdout.after(0)
	assert.Contains(t, strings.Join(all, "\n"), "AUTHOR_HUMAN: Yes, Joe is here.")
	events := c.events(t, id)
	assert.Equal(t, len(events), slices.IndexFunc(all, func(line string) bool { return strings.Contains(line, "SESSION_STATE_CLOSED") }),
		"one line for the session and one for each event")
	assert.Equal(t, handoffv1.CloseReason_CLOSE_REASON_OPERATOR, last(events).GetStateChanged().GetCloseReason(), "an admin key")
}

// TestGoClientResumes kills the server under the Go client's stream.
func TestGoClientResumes(t *testing.T) {
	t.Parallel()
	s, r := startServer(t, withFixedPort()), startReceiver(t)
	s.configure("shop", r)
	agent := s.agentClient("shop")
	run := startProcess(t, t.TempDir(), []string{"HANDOFF_URL=" + s.url, "HANDOFF_KEY=" + agent.key, "HANDOFF_AGENT=shop"},
		bin.goclient, "-wait", time.Hour.String())
	id := run.lineWith("session: ")
	run.lineWith("4 ")
	s.crash()
	status, body := agent.post(t, "/v1/human/message/receive", reply(id, "Back again."))
	require.Equal(t, 200, status, body)
	code, ended := run.wait(patience)
	require.True(t, ended)
	require.Zero(t, code)
	events := s.admin.events(t, id)
	requireGapless(t, events)
	all, _, _ := run.stdout.after(1)
	require.Len(t, all, len(events), "each event once: %v", all)
	for i, line := range all {
		assert.True(t, strings.HasPrefix(line, fmt.Sprint(i+1, " ")), line)
	}
}
