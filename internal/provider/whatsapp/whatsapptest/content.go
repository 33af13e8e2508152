package whatsapptest

import (
	"strconv"
	"strings"
	"unicode/utf16"
)

// within refuses a text that is empty or too long, as JavaScript counts.
func within(what, text string, most int) error {
	if n := len(utf16.Encode([]rune(text))); n == 0 || n > most {
		return refuse(131009, "Parameter value is not valid", "%s has to have 1 to %d characters, and has %d", what, most, n)
	}
	return nil
}

// firstError returns the first of some errors.
func firstError(list ...error) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}

func textItem(body []byte) (*item, error) {
	var given struct {
		Preview bool   `json:"preview_url"`
		Body    string `json:"body"`
	}
	if err := decode(body, &given); err != nil {
		return nil, err
	}
	return read(&item{from: "text", text: given.Body}), within("text", given.Body, 4096)
}

type labelled struct {
	Text string `json:"text"`
	Type string `json:"type"`
}

// interactive is a text with buttons or a list.
type interactive struct {
	Type   string    `json:"type"`
	Header *labelled `json:"header"`
	Body   labelled  `json:"body"`
	Footer *labelled `json:"footer"`
	Action struct {
		Buttons []struct {
			Type  string `json:"type"`
			Reply struct {
				ID    string `json:"id"`
				Title string `json:"title"`
			} `json:"reply"`
		} `json:"buttons"`
		Button   string    `json:"button"`
		Sections []section `json:"sections"`
	} `json:"action"`
}

type section struct {
	Title string `json:"title"`
	Rows  []struct {
		ID          string `json:"id"`
		Title       string `json:"title"`
		Description string `json:"description"`
	} `json:"rows"`
}

func interactiveItem(body []byte) (*item, error) {
	var given interactive
	if err := decode(body, &given); err != nil {
		return nil, err
	}
	it := &item{from: given.Type, text: given.Body.Text}
	err := within("body", given.Body.Text, 1024)
	if h := given.Header; h != nil && err == nil {
		it.name = h.Text
		err = within("header", h.Text, 60)
		if h.Type != "text" {
			err = invalidParameter("header of type %q", h.Type)
		}
	}
	if f := given.Footer; f != nil && err == nil {
		err = within("footer", f.Text, 60)
	}
	if err != nil {
		return nil, err
	}
	switch given.Type {
	case "button":
		err = it.addButtons(&given)
	case "list":
		err = it.addRows(&given)
	default:
		err = invalidParameter("interactive of type %q", given.Type)
	}
	return read(it), err
}

func (it *item) addButtons(given *interactive) error {
	action := &given.Action
	if n := len(action.Buttons); n == 0 || n > 3 || action.Button != "" || action.Sections != nil {
		return refuse(131009, "Parameter value is not valid", "1 to 3 buttons, and nothing else")
	}
	for _, b := range action.Buttons {
		err := firstError(within("id", b.Reply.ID, 256), within("title", b.Reply.Title, 20), it.add(button{b.Reply.ID, b.Reply.Title, ""}))
		if err != nil || b.Type != "reply" {
			return firstError(err, invalidParameter("button of type %q", b.Type))
		}
	}
	return nil
}

func (it *item) addRows(given *interactive) error {
	action := &given.Action
	if n := len(action.Sections); n == 0 || n > 10 || action.Buttons != nil {
		return refuse(131009, "Parameter value is not valid", "1 to 10 sections, and no buttons")
	}
	if err := within("button", action.Button, 20); err != nil {
		return err
	}
	for _, s := range action.Sections {
		if len(action.Sections) > 1 && s.Title == "" {
			return refuse(131009, "Parameter value is not valid", "each of several sections needs a title")
		}
		for _, r := range s.Rows {
			err := firstError(within("id", r.ID, 200), within("title", r.Title, 24), within("description", r.Description+" ", 73), it.add(button{r.ID, r.Title, r.Description}))
			if err != nil {
				return err
			}
		}
	}
	if n := len(it.buttons); n == 0 || n > 10 {
		return refuse(131009, "Parameter value is not valid", "1 to 10 rows in all, not %d", n)
	}
	return nil
}

// add adds a button, whose id and title have to be its own.
func (it *item) add(b button) error {
	for _, other := range it.buttons {
		if other.id == b.id || it.from == "button" && other.title == b.title {
			return refuse(131009, "Parameter value is not valid", "%q is there twice", b.title)
		}
	}
	it.buttons = append(it.buttons, b)
	return nil
}

// filled is a template with what to put into it.
type filled struct {
	Name     string `json:"name"`
	Language struct {
		Code string `json:"code"`
	} `json:"language"`
	Components []part `json:"components"`
}

// part is what goes into a part of a template.
type part struct {
	Type       string `json:"type"`
	SubType    string `json:"sub_type"`
	Index      string `json:"index"`
	Parameters []struct {
		Type    string `json:"type"`
		Text    string `json:"text"`
		Payload string `json:"payload"`
	} `json:"parameters"`
}

func (e *Emulator) templateItem(body []byte) (*item, error) {
	var given filled
	if err := decode(body, &given); err != nil {
		return nil, err
	}
	t, err := e.approved(&given)
	if err != nil {
		return nil, err
	}
	it := &item{from: "template", text: t.Text}
	for _, title := range t.quickReplies {
		it.buttons = append(it.buttons, button{title, title, ""}) // what comes back unless something else is given
	}
	texts := 0
	for i := range given.Components {
		c := &given.Components[i]
		if c.Type != "body" {
			if err := it.press(c); err != nil {
				return nil, err
			}
			continue
		}
		for _, p := range c.Parameters {
			texts++
			if err := fits(p.Type, p.Text); err != nil {
				return nil, err
			}
			it.fill(texts, p.Text)
		}
	}
	if texts != t.placeholders {
		return nil, refuse(132000, "Number of parameters does not match the expected number of params", "body: %d, expected %d", texts, t.placeholders)
	}
	return read(it), within("template", it.text, 1024)
}

// press gives a button of a template what comes back when it is pressed.
func (it *item) press(c *part) error {
	at := -1
	if c.Type == "button" && c.SubType == "quick_reply" && len(c.Index) == 1 && len(c.Parameters) == 1 && c.Parameters[0].Type == "payload" {
		at = int(c.Index[0] - '0')
	}
	if at < 0 || at >= len(it.buttons) {
		return refuse(132012, "Parameter format does not match format in the created template", "component %s", c.Type)
	}
	it.buttons[at].id = c.Parameters[0].Payload
	return nil
}

// fill puts a text into its place. The first two are tag and name, as in the header
// of a card.
func (it *item) fill(at int, text string) {
	it.text = strings.ReplaceAll(it.text, "{{"+strconv.Itoa(at)+"}}", text)
	switch at {
	case 1:
		it.name = "#" + text
	case 2:
		it.name += " " + text
	}
}

func fits(kind, text string) error {
	switch {
	case kind != "text":
		return refuse(132012, "Parameter format does not match format in the created template", "type %q", kind)
	case text == "":
		return refuse(131008, "Required parameter is missing", "Parameter of type text is missing text value")
	case strings.ContainsAny(text, "\n\t") || strings.Contains(text, "     "):
		return refuse(100, "Invalid parameter", "Param text cannot have new-line/tab characters or more than 4 consecutive spaces")
	}
	return nil
}

func (e *Emulator) approved(given *filled) (*template, error) {
	for _, t := range e.templates {
		if t.Name != given.Name || t.Language != given.Language.Code {
			continue
		}
		switch t.Status {
		case statusApproved:
			return t, nil
		case "PAUSED":
			return nil, refuse(132015, "Template is Paused", "Template is paused due to low quality so it cannot be sent in a template message.")
		case "DISABLED":
			return nil, refuse(132016, "Template is Disabled", "Template has been paused too many times due to low quality and is now permanently disabled.")
		}
	}
	return nil, refuse(132001, "Template name does not exist in the translation", "template name (%s) does not exist in %s", given.Name, given.Language.Code)
}
