package wecomtest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// envelope is what all messages have.
type envelope struct {
	ToUser   string          `json:"touser"`
	ToParty  string          `json:"toparty"`
	ToTag    string          `json:"totag"`
	Type     string          `json:"msgtype"`
	App      int64           `json:"agentid"`
	Safe     int             `json:"safe"`
	Check    int             `json:"enable_duplicate_check"`
	Interval int64           `json:"duplicate_check_interval"`
	Text     json.RawMessage `json:"text"`
	Card     json.RawMessage `json:"template_card"`
}

// find returns the place of a member, in whatever case their id is written; -1 = none.
func (e *Emulator) find(id string) int {
	return slices.IndexFunc(e.members, func(m *member) bool { return strings.EqualFold(m.id, id) })
}

func (e *Emulator) postMessage(_ *http.Request, body []byte) (map[string]any, error) {
	var m envelope
	if err := decode(body, &m); err != nil {
		return nil, err
	}
	if m.App != AppID {
		return nil, refuse(40056, "invalid agentid")
	}
	to, invalid, err := e.receivers(&m)
	if err != nil {
		return nil, err
	}
	it, err := e.content(&m)
	if err != nil {
		return nil, err
	}
	answer := map[string]any{"invaliduser": strings.Join(invalid, "|"), "msgid": it.id}
	if e.isRepeat(&m, body) {
		delete(answer, "msgid")
		return answer, nil
	}
	if it.task != "" {
		if e.tasks[it.task] {
			return nil, refuse(42014, "task_id is duplicated")
		}
		e.tasks[it.task] = true
		answer["response_code"] = e.newCode(it.task)
	}
	for _, member := range to {
		e.bring(member, it)
	}
	return answer, nil
}

func (e *Emulator) receivers(m *envelope) (to []*member, invalid []string, err error) {
	ids := strings.Split(m.ToUser, "|")
	if m.ToUser == "" {
		ids = nil
	}
	if len(ids) > 1000 {
		return nil, nil, refuse(40058, "touser: too many")
	}
	for _, id := range ids {
		if who := e.find(id); who >= 0 && !e.members[who].hidden {
			to = append(to, e.members[who])
		} else {
			invalid = append(invalid, strings.ToLower(id))
		}
	}
	if m.ToParty+m.ToTag != "" { // the whole corporation is one department, and has one tag
		to = nil
		for _, one := range e.members {
			if !one.hidden {
				to = append(to, one)
			}
		}
	}
	if len(to) == 0 {
		return nil, nil, refuse(81013, "user & party & tag all invalid, invaliduser: %s", strings.Join(invalid, "|"))
	}
	return to, invalid, nil
}

// isRepeat reports whether an equal message came within the interval.
func (e *Emulator) isRepeat(m *envelope, body []byte) bool {
	sum := sha256.Sum256(body)
	key, now := hex.EncodeToString(sum[:]), e.now()
	until, known := e.recent[key]
	if m.Check == 1 {
		interval := m.Interval
		if interval == 0 {
			interval = 1800
		}
		e.recent[key] = now.Add(time.Duration(interval) * time.Second)
	}
	return m.Check == 1 && known && now.Before(until)
}

// bring puts a message into a chat, unless it is too much: then nobody learns of it.
func (e *Emulator) bring(m *member, it *item) {
	now := e.now()
	m.arrived = slices.DeleteFunc(m.arrived, func(t time.Time) bool { return now.Sub(t) >= time.Minute })
	if e.PerMinute > 0 && len(m.arrived) >= e.PerMinute {
		e.dropped++
		return
	}
	m.arrived = append(m.arrived, now)
	own := *it
	m.items = append(m.items, &own)
}

func (e *Emulator) content(m *envelope) (*item, error) {
	for kind, body := range map[string]json.RawMessage{"text": m.Text, "template_card": m.Card} {
		if (len(body) > 0) != (kind == m.Type) {
			return nil, refuse(40058, "invalid Request Parameter, msgtype %q needs %s, and nothing else", m.Type, m.Type)
		}
	}
	if m.Interval < 0 || m.Interval > 4*60*60 {
		return nil, refuse(40058, "duplicate_check_interval")
	}
	switch m.Type {
	case "text":
		return textItem(m.Text)
	case "template_card":
		return cardItem(m.Card)
	default:
		return nil, refuse(40008, "invalid message type")
	}
}

func textItem(body []byte) (*item, error) {
	var given struct {
		Content string `json:"content"`
	}
	if err := decode(body, &given); err != nil {
		return nil, err
	}
	switch n := len(given.Content); {
	case n == 0:
		return nil, refuse(44004, "empty content")
	case n > 2048 || strings.ContainsRune(given.Content, '\uFFFD'):
		return nil, refuse(40058, "text.content: %d bytes", n)
	}
	return read(&item{id: newID(), text: given.Content}), nil
}

// cardBody is a card with buttons.
type cardBody struct {
	Type   string `json:"card_type"`
	Source struct {
		Desc string `json:"desc"`
	} `json:"source"`
	Title struct {
		Title string `json:"title"`
		Desc  string `json:"desc"`
	} `json:"main_title"`
	SubTitle string `json:"sub_title_text"`
	Rows     []struct {
		Name  string `json:"keyname"`
		Value string `json:"value"`
	} `json:"horizontal_content_list"`
	Task    string `json:"task_id"`
	Buttons []struct {
		Text  string `json:"text"`
		Style int    `json:"style"`
		Key   string `json:"key"`
	} `json:"button_list"`
}

var taskIDs = regexp.MustCompile(`^[0-9A-Za-z_@-]{1,128}$`)

func cardItem(body []byte) (*item, error) {
	var given cardBody
	if err := decode(body, &given); err != nil {
		return nil, err
	}
	if err := given.check(); err != nil {
		return nil, err
	}
	it := &item{id: newID(), task: given.Task, title: given.Title.Title, text: given.SubTitle}
	for _, row := range given.Rows {
		if row.Name == "" {
			return nil, refuse(40058, "keyname is empty")
		}
		it.text += "\n" + row.Name + " " + row.Value
	}
	for _, b := range given.Buttons {
		if b.Text == "" || b.Key == "" || len(b.Key) > 1024 || b.Style < 1 || b.Style > 4 {
			return nil, refuse(40058, "button_list")
		}
		it.buttons = append(it.buttons, button{b.Key, b.Text})
	}
	return read(it), nil
}

// check refuses what WeCom would refuse, or not show.
func (given *cardBody) check() error {
	switch {
	case given.Type != "button_interaction":
		return refuse(40058, "card_type %q", given.Type)
	case given.Title.Title == "" && given.SubTitle == "":
		return refuse(40058, "main_title.title and sub_title_text are empty")
	case !taskIDs.MatchString(given.Task):
		return refuse(40058, "task_id %q", given.Task)
	case len(given.Buttons) == 0 || len(given.Buttons) > 6 || len(given.Rows) > 6:
		return refuse(40058, "1 to 6 buttons, and up to 6 lines")
	case len([]rune(given.Title.Title)) > 36 || len([]rune(given.SubTitle)) > 160:
		return refuse(40058, "title or text are too long to be shown")
	}
	return nil
}

func (e *Emulator) postUpdate(_ *http.Request, body []byte) (map[string]any, error) {
	var given struct {
		Users  []string `json:"userids"`
		All    int      `json:"atall"`
		App    int64    `json:"agentid"`
		Code   string   `json:"response_code"`
		Button struct {
			Name string `json:"replace_name"`
		} `json:"button"`
	}
	if err := decode(body, &given); err != nil {
		return nil, err
	}
	known := e.codes[given.Code]
	switch {
	case given.App != AppID:
		return nil, refuse(40056, "invalid agentid")
	case known == nil || known.used || e.now().Sub(known.made) > 72*time.Hour:
		return nil, refuse(40123, "invalid response_code")
	case given.Button.Name == "" || len(given.Users) == 0 && given.All != 1:
		return nil, refuse(40058, "nobody, or nothing to replace the buttons by")
	}
	known.used = true
	for _, m := range e.members {
		if given.All == 1 || slices.ContainsFunc(given.Users, func(id string) bool { return strings.EqualFold(id, m.id) }) {
			m.replace(known.task, given.Button.Name)
		}
	}
	return map[string]any{}, nil
}

// replace puts a text in the place of a card's buttons.
func (m *member) replace(task, text string) {
	for _, it := range m.items {
		if it.task == task {
			it.replaced = text
		}
	}
}
