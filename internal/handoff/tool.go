package handoff

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ToolName is the name of the tool by which a model hands off.
const ToolName = "handoff_to_human"

// defaultTrigger says when to hand off, for agents whose operator did not.
const defaultTrigger = "Brings a human into the conversation. " +
	"Use it when the customer asks for a human, or when you cannot help any further."

// Tool is how a model hands off: what it is told before, and what it says after.
type Tool struct {
	Trigger   string // when to use it
	Now       string // what is true at this moment
	AsksEmail Ask    // for the customer's address
	Texts     Texts  // for the customer, after each outcome
}

// Ask says whether a model has to ask for something.
type Ask int

// The ways to ask.
const (
	AskNever Ask = iota // it is known
	AskIfTold
	AskAlways // there is no handoff without
)

// Tool returns the tool of an agent as it is now for a customer. An agent that
// nobody configured has one too, which says that there is nobody.
func (svc *Service) Tool(ctx context.Context, agentID string, customer Customer) (Tool, error) {
	agent, caps, err := svc.agent(ctx, agentID)
	if err != nil {
		return Tool{}, err
	}
	if customer, err = svc.recall(ctx, agentID, customer); err != nil {
		return Tool{}, err
	}
	now := svc.now()
	opening, err := agent.Settings.Opening(now)
	if err != nil {
		return Tool{}, err
	}
	return agent.tool(caps, customer, opening), nil
}

func (a *Agent) tool(caps Capabilities, customer Customer, opening Opening) Tool {
	settings := a.Settings.WithDefaults()
	setDefault(&settings.TriggerDescription, defaultTrigger)
	t := Tool{Trigger: settings.TriggerDescription, Texts: settings.TextsFor(customer.Locale)}
	switch {
	case customer.Email != "":
	case settings.NeedsEmail(caps):
		t.AsksEmail = AskAlways
	default:
		t.AsksEmail = AskIfTold
	}
	switch reason := a.declineReason(caps, customer, opening); reason {
	case "", DeclineEmailRequired:
		t.Now = nowOpen(settings, opening, t.AsksEmail)
	case DeclineOutOfPeriod:
		t.Now = nowClosed(opening, t.Texts.Declined(reason))
	default:
		t.Now = "No human can be reached at present: do not promise one. Using the tool now is declined; then tell the customer: " + quote(t.Texts.Declined(reason))
	}
	return t
}

func nowOpen(s Settings, o Opening, email Ask) string {
	now := "Humans are there now"
	if !o.NextClose.IsZero() {
		now += ", until " + moment(o.NextClose, o)
	}
	now += ". "
	if email == AskAlways {
		now += "Ask the customer for an e-mail address before. "
	}
	ending := "the customer is asked whether to go on waiting"
	if s.OnWaitTimeout == WaitTimeoutClose {
		ending = "the request ends"
	}
	return now + fmt.Sprintf("When nobody has answered within %s, %s: do not promise how soon somebody comes. "+
		"Once a session was returned, the conversation is the human's: say nothing until it is closed.", inWords(time.Duration(s.WaitTimeout)), ending)
}

func nowClosed(o Opening, reply string) string {
	now := "Nobody is there now, and no opening is planned"
	if !o.NextOpen.IsZero() {
		now = "Nobody is there before " + moment(o.NextOpen, o)
	}
	return now + ": do not promise a human. Using the tool now is declined; then tell the customer: " + quote(reply)
}

func quote(text string) string { return "“" + text + "”" }

// moment writes a time for a model, which knows neither zone nor weekday by itself.
func moment(t time.Time, o Opening) string {
	return t.Format("15:04 on Monday, 2 January 2006") + " (" + o.Zone + ")"
}

func inWords(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		name   string
	}{{time.Hour, "hours"}, {time.Minute, "minutes"}} {
		if d > unit.length && d%unit.length == 0 {
			return fmt.Sprintf("%d %s", d/unit.length, unit.name)
		}
	}
	return fmt.Sprintf("%d seconds", int64(d.Seconds()))
}

// agent returns an agent, blank if nobody configured it, and what its provider can do.
func (svc *Service) agent(ctx context.Context, id string) (*Agent, Capabilities, error) {
	agent, err := svc.store.Agent(ctx, id)
	if errors.Is(err, ErrAgentNotFound) {
		return &Agent{ID: id}, Capabilities{}, nil
	}
	if err != nil || agent.Connection == nil {
		return agent, Capabilities{}, err
	}
	return agent, svc.caps(agent.Connection.Kind), nil
}

// recall adds the address that an earlier session of the same user told, so that
// nobody is asked twice. Only backends give user ids: a browser could give
// anybody's.
func (svc *Service) recall(ctx context.Context, agentID string, c Customer) (Customer, error) {
	if c.Email != "" || c.UserID == "" {
		return c, nil
	}
	var err error
	c.Email, err = svc.store.KnownEmail(ctx, agentID, c.UserID)
	return c, err
}
