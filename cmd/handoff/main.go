// Command handoff is the gateway between AI agents and human desks.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	_ "time/tzdata" // service periods need every zone, on every machine

	"github.com/alecthomas/kong"

	"github.com/human-handoff/handoff/internal/config"
)

// exitBadConfig is the exit code for what the operator has to change.
const exitBadConfig = 2

type commands struct {
	Demo    demoCommand    `cmd:"" help:"Try it in a browser: a temporary gateway with a customer's chat page and a human's desk page."`
	Serve   serveCommand   `cmd:"" help:"Run the gateway until SIGINT or SIGTERM."`
	Keys    keysCommand    `cmd:"" help:"Create, list and revoke API keys."`
	Emulate emulateCommand `cmd:"" help:"Run an emulator of a provider's vendor, with a page on which you play the human."`
	Migrate migrateCommand `cmd:"" help:"Bring the database's schema up to date, and nothing else."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

const description = `Handoff is the gateway between AI agents and the desks where humans sit.

Start with 'handoff demo' and a browser. To keep what happens, run 'handoff serve' and
configure an agent over the API; the README has a five-minute tour.`

// stdio is where a command talks to.
type stdio struct {
	out, err      io.Writer
	errIsTerminal bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], stdio{out: os.Stdout, err: os.Stderr, errIsTerminal: isTerminal(os.Stderr)})
	stop()
	os.Exit(code)
}

// run parses and runs one command and returns its exit code.
func run(ctx context.Context, args []string, io stdio) int {
	exit := -1
	parser, err := kong.New(&commands{},
		kong.Name("handoff"), kong.Description(description), kong.UsageOnError(),
		kong.Writers(io.out, io.err), kong.Exit(func(code int) { exit = code }),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(io),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true}),
	)
	if err != nil {
		return fail(io, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	switch {
	case exit >= 0: // --help has been answered
		return exit
	case err != nil:
		return fail(io, &usageError{withVariable(parser, err)})
	}
	if err := parsed.Run(); err != nil {
		return fail(io, err)
	}
	return 0
}

// usageError is a command line that cannot be parsed.
type usageError struct{ error }

// fail prints one line that says what to change.
func fail(io stdio, err error) int {
	fmt.Fprintln(io.err, "handoff: "+strings.ReplaceAll(err.Error(), "\n", " "))
	var badConfig *config.Error
	var badUsage *usageError
	if errors.As(err, &badConfig) || errors.As(err, &badUsage) {
		return exitBadConfig
	}
	return 1
}

// withVariable adds the variable's name to an error about a flag, for the value
// may have come from there.
func withVariable(parser *kong.Kong, err error) error {
	for _, node := range parser.Model.Leaves(false) {
		for _, flag := range node.Flags {
			if len(flag.Envs) > 0 && strings.Contains(err.Error(), "--"+flag.Name+":") && !strings.Contains(err.Error(), flag.Envs[0]) {
				return fmt.Errorf("%w (flag --%s, variable %s)", err, flag.Name, flag.Envs[0])
			}
		}
	}
	return err
}
