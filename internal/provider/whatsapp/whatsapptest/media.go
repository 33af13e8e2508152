package whatsapptest

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/human-handoff/handoff/internal/provider"
	"github.com/human-handoff/handoff/internal/provider/emulator"
)

// How long Meta keeps things.
const (
	uploadsFor  = 30 * day // what the number uploads
	receivedFor = 7 * day  // what humans send
	addressFor  = 5 * time.Minute
)

// mediaSorts are the types that Meta takes, by kind, with their sizes.
var mediaSorts = map[string]struct {
	most  int
	types []string
}{
	"image": {5 << 20, []string{"image/jpeg", "image/png"}},
	"audio": {16 << 20, []string{"audio/aac", "audio/mp4", "audio/mpeg", "audio/amr", "audio/ogg"}},
	"video": {16 << 20, []string{"video/mp4", "video/3gpp"}},
	"document": {100 << 20, []string{
		"text/plain", "application/pdf", "application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint",
		"application/vnd.openxmlformats-officedocument.wordprocessingml.document",
		"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
		"application/vnd.openxmlformats-officedocument.presentationml.presentation",
	}},
}

// media is a file at Meta's.
type media struct {
	name     string
	mimeType string
	content  []byte
	until    time.Time
	received bool // a human sent it
}

func (m *media) sha256() []byte {
	sum := sha256.Sum256(m.content)
	return sum[:]
}

// keep stores a file and returns its id.
func (e *Emulator) keep(m *media) string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails, says its documentation
	id := "2" + strconv.FormatUint(binary.BigEndian.Uint64(random[:]), 10)
	e.media[id] = m
	return id
}

// ForgetMedia has Meta lose all files.
func (e *Emulator) ForgetMedia() {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.media)
}

func (e *Emulator) postMedia(r *http.Request, body []byte) (any, error) {
	if err := is(r, NumberID); err != nil {
		return nil, err
	}
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return nil, invalidParameter("%v", err)
	}
	form, err := multipart.NewReader(bytes.NewReader(body), params["boundary"]).ReadForm(1 << 20)
	if err != nil {
		return nil, invalidParameter("%v", err)
	}
	defer func() { _ = form.RemoveAll() }()
	files := form.File["file"]
	if !slices.Equal(form.Value["messaging_product"], []string{"whatsapp"}) || len(files) != 1 {
		return nil, refuse(100, "The parameters messaging_product and file are required.", "")
	}
	file := files[0]
	mimeType := file.Header.Get("Content-Type")
	if !slices.ContainsFunc(sorts(), func(kind string) bool { return slices.Contains(mediaSorts[kind].types, mimeType) }) {
		return nil, refuse(100, "Param file must be a file with one of the supported types. Received file of type '"+mimeType+"'.", "")
	}
	if !slices.Equal(form.Value["type"], []string{mimeType}) {
		return nil, invalidParameter("type has to be that of the file")
	}
	content, err := contentOf(file)
	if err != nil || len(content) == 0 || len(content) > mediaSorts["document"].most {
		return nil, refuse(131053, "Media upload error", "size: %d", len(content))
	}
	return map[string]any{"id": e.keep(&media{name: file.Filename, mimeType: mimeType, content: content, until: e.now().Add(uploadsFor)})}, nil
}

func contentOf(file *multipart.FileHeader) ([]byte, error) {
	f, err := file.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(f)
}

func sorts() []string { return []string{"image", "audio", "video", "document"} }

// stored returns a file that is still there.
func (e *Emulator) stored(id string) *media {
	if m := e.media[id]; m != nil && e.now().Before(m.until) {
		return m
	}
	return nil
}

// getNode answers for the number, or tells where a file is.
func (e *Emulator) getNode(r *http.Request, body []byte) (any, error) {
	id := r.PathValue("id")
	m := e.stored(id)
	if m == nil {
		return e.getNumber(r, body)
	}
	if given := r.URL.Query().Get("phone_number_id"); given != "" && given != NumberID {
		return nil, invalidParameter("the file is of another number")
	}
	expires := strconv.FormatInt(e.now().Add(addressFor).Unix(), 10)
	return map[string]any{
		"messaging_product": "whatsapp", "id": id, "mime_type": m.mimeType, "sha256": hex.EncodeToString(m.sha256()),
		"file_size": strconv.Itoa(len(m.content)),
		"url":       "http://" + r.Host + attachments + "?mid=" + id + "&ext=" + expires + "&hash=" + e.stamp(id, expires),
	}, nil
}

const attachments = "/whatsapp_business/attachments/"

func (e *Emulator) stamp(id, expires string) string {
	mac := hmac.New(sha256.New, []byte(e.secret))
	mac.Write([]byte(id + " " + expires))
	return hex.EncodeToString(mac.Sum(nil))
}

// download gives out a file at its address, with the token alone.
func (e *Emulator) download(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	query := r.URL.Query()
	m := e.stored(query.Get("mid"))
	expires, err := strconv.ParseInt(query.Get("ext"), 10, 64)
	switch {
	case e.revoked, r.Header.Get("Authorization") != "Bearer "+e.token:
		w.WriteHeader(http.StatusUnauthorized)
	case m == nil, err != nil, e.now().Unix() >= expires, query.Get("hash") != e.stamp(query.Get("mid"), query.Get("ext")):
		w.WriteHeader(http.StatusNotFound)
	default:
		w.Header().Set("Content-Type", m.mimeType)
		_, _ = w.Write(m.content)
	}
}

// mediaItem reads a message with a file.
func (e *Emulator) mediaItem(kind string, body []byte) (*item, error) {
	var given struct {
		ID       string  `json:"id"`
		Caption  *string `json:"caption"`
		Filename *string `json:"filename"`
	}
	if err := decode(body, &given); err != nil {
		return nil, err
	}
	m := e.stored(given.ID)
	it := &item{from: kind}
	switch {
	case m == nil || m.received:
		return nil, refuse(100, "Invalid parameter", "%s: no media with the id %q", kind, given.ID)
	case kind != "document" && !slices.Contains(mediaSorts[kind].types, m.mimeType):
		return nil, refuse(131053, "Media upload error", "%s as %s", m.mimeType, kind)
	case len(m.content) > mediaSorts[kind].most:
		return nil, refuse(131053, "Media upload error", "%d bytes are too much for %s", len(m.content), kind)
	case given.Caption != nil && kind == "audio", given.Filename != nil && kind != "document":
		return nil, invalidParameter("%s: neither caption nor filename", kind)
	}
	// Pictures show no name on phones; here they keep that of the upload.
	it.file = &emulator.File{Name: m.name, Content: string(m.content)}
	if given.Filename != nil {
		it.file.Name = *given.Filename
	}
	if given.Caption == nil {
		return it, nil
	}
	it.text = *given.Caption
	return read(it), within("caption", it.text, 1024)
}

// sends has a human send a file; quote is the message that was swiped.
func (e *Emulator) sends(who int, tag, caption string, file *emulator.File, quote string) provider.Request {
	m := &media{name: file.Name, mimeType: "application/octet-stream", content: []byte(file.Content), until: e.now().Add(receivedFor), received: true}
	if known, _, err := mime.ParseMediaType(mime.TypeByExtension(path.Ext(file.Name))); err == nil {
		m.mimeType = known
	}
	id := e.keep(m)
	content := map[string]any{"id": id, "mime_type": m.mimeType, "sha256": base64.StdEncoding.EncodeToString(m.sha256())}
	kind, _, _ := strings.Cut(m.mimeType, "/")
	if !slices.Contains([]string{"image", "audio", "video"}, kind) {
		kind, content["filename"] = "document", file.Name
	}
	if caption != "" && kind != "audio" {
		content["caption"] = caption
	}
	return e.say(who, tag, caption, map[string]any{"type": kind, kind: content}, quote)
}
