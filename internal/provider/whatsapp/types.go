package whatsapp

// notification is a webhook's body, as far as we look at it. Every field may be
// absent: since people can hide their numbers, the numbers are, too.
type notification struct {
	Object string  `json:"object"`
	Entry  []entry `json:"entry"`
}

type entry struct {
	ID      string   `json:"id"` // of the WhatsApp Business Account
	Changes []change `json:"changes"`
}

type change struct {
	Field string `json:"field"`
	Value value  `json:"value"`
}

type value struct {
	Metadata struct {
		PhoneNumberID string `json:"phone_number_id"`
	} `json:"metadata"`
	Contacts []contact `json:"contacts"`
	Messages []message `json:"messages"`
	Statuses []status  `json:"statuses"`
}

type contact struct {
	WaID   string `json:"wa_id"`
	UserID string `json:"user_id"`
}

// message is what a human wrote or pressed.
type message struct {
	From       string `json:"from"`
	FromUserID string `json:"from_user_id"`
	ID         string `json:"id"`
	Type       string `json:"type"`
	Context    struct {
		ID string `json:"id"` // of the quoted message; absent in forwarded ones
	} `json:"context"`
	Text struct {
		Body string `json:"body"`
	} `json:"text"`
	Button struct { // of a template
		Payload string `json:"payload"`
	} `json:"button"`
	Interactive struct {
		ButtonReply reply `json:"button_reply"`
		ListReply   reply `json:"list_reply"`
	} `json:"interactive"`
	Location struct {
		Latitude  float64 `json:"latitude"`
		Longitude float64 `json:"longitude"`
		Name      string  `json:"name"`
		Address   string  `json:"address"`
	} `json:"location"`
	Contacts []card `json:"contacts"`
	Image    media  `json:"image"`
	Audio    media  `json:"audio"`
	Video    media  `json:"video"`
	Document media  `json:"document"`
	Sticker  media  `json:"sticker"`
}

// media is a file that a human sent.
type media struct {
	ID       string `json:"id"`
	MIMEType string `json:"mime_type"`
	Caption  string `json:"caption"`
	Filename string `json:"filename"`
	Voice    bool   `json:"voice"` // it was recorded in the chat
}

type reply struct {
	ID string `json:"id"`
}

// card is a contact that a human sent.
type card struct {
	Name struct {
		FormattedName string `json:"formatted_name"`
	} `json:"name"`
	Phones []struct {
		Phone string `json:"phone"`
	} `json:"phones"`
	Emails []struct {
		Email string `json:"email"`
	} `json:"emails"`
}

// status is what became of a message of ours.
type status struct {
	ID              string    `json:"id"`
	Status          string    `json:"status"`
	RecipientID     string    `json:"recipient_id"`
	RecipientUserID string    `json:"recipient_user_id"`
	Data            string    `json:"biz_opaque_callback_data"`
	Errors          []failure `json:"errors"`
}
