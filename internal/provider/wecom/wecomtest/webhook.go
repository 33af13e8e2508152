package wecomtest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // WeCom signs with it
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/human-handoff/handoff/internal/provider"
)

var maxMsgID = big.NewInt(1 << 62)

// aesKey is the key that an EncodingAESKey stands for.
func aesKey(encoding string) []byte {
	key, err := base64.StdEncoding.DecodeString(encoding + "=")
	if err != nil {
		panic(err) // it was made here
	}
	return key
}

// encrypt does what WeCom does to each message. Its padding has from 1 to 32 bytes.
func (e *Emulator) encrypt(message []byte, receiver string) string {
	plain := make([]byte, 16, 64+len(message))
	_, _ = rand.Read(plain)                                            // never fails, says its documentation
	plain = binary.BigEndian.AppendUint32(plain, uint32(len(message))) //nolint:gosec // of some megabytes at most
	plain = append(plain, message...)
	plain = append(plain, receiver...)
	pad := 32 - len(plain)%32
	plain = append(plain, bytes.Repeat([]byte{byte(pad)}, pad)...)
	block, err := aes.NewCipher(e.key)
	if err != nil {
		panic(err) // its length is fixed
	}
	cipher.NewCBCEncrypter(block, e.key[:16]).CryptBlocks(plain, plain)
	return base64.StdEncoding.EncodeToString(plain)
}

// sign returns the query of a call to the receive URL.
func (e *Emulator) sign(encrypted string) url.Values {
	timestamp, nonce := strconv.FormatInt(e.now().Unix(), 10), strconv.Itoa(1_000_000_000+len(encrypted))
	parts := []string{e.token, timestamp, nonce, encrypted}
	slices.Sort(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, ""))) //nolint:gosec // as above
	return url.Values{"msg_signature": {hex.EncodeToString(sum[:])}, "timestamp": {timestamp}, "nonce": {nonce}}
}

// greets are what WeCom sends when a receive URL is saved, in both ways in which the
// parameter has been seen: with its plus signs escaped, and as they are.
func (e *Emulator) greets() []provider.Request {
	encrypted := ""
	for !strings.Contains(encrypted, "+") || !strings.Contains(encrypted, "/") {
		encrypted = e.encrypt([]byte("1616140317555161061"), CorpID)
	}
	query := e.sign(encrypted)
	plain := query.Encode() + "&echostr=" + encrypted
	query.Set("echostr", encrypted)
	var all []provider.Request
	for _, q := range []string{query.Encode(), plain} {
		all = append(all, provider.Request{Method: http.MethodGet, Query: q, Header: http.Header{"User-Agent": {"Mozilla/4.0"}}, Time: e.now()})
	}
	return all
}

// Webhook implements emulator.Emulator.
func (e *Emulator) Webhook(body []byte) provider.Request { return e.sealed(body, CorpID) }

// Foreign is a genuine webhook for another corporation that has the same keys.
func (e *Emulator) Foreign(r provider.Request) provider.Request {
	r.Body = nil
	return e.sealed([]byte("<xml/>"), CorpID+"x")
}

func (e *Emulator) sealed(body []byte, receiver string) provider.Request {
	encrypted := e.encrypt(body, receiver)
	outer := fmt.Sprintf("<xml><ToUserName><![CDATA[%s]]></ToUserName><AgentID><![CDATA[%d]]></AgentID><Encrypt><![CDATA[%s]]></Encrypt></xml>", CorpID, AppID, encrypted)
	return provider.Request{
		Method: http.MethodPost, Query: e.sign(encrypted).Encode(), Body: []byte(outer), Time: e.now(),
		Header: http.Header{"Content-Type": {"text/xml"}, "User-Agent": {"Mozilla/4.0"}},
	}
}

// callback seals what a member did.
func (e *Emulator) callback(inner string) provider.Request { return e.Webhook([]byte(inner)) }

// fields is what all messages have, and what is particular to one.
func (e *Emulator) fields(who int, kind, rest string) string {
	return fmt.Sprintf("<xml><ToUserName><![CDATA[%s]]></ToUserName><FromUserName><![CDATA[%s]]></FromUserName><CreateTime>%d</CreateTime>"+
		"<MsgType><![CDATA[%s]]></MsgType>%s<AgentID>%d</AgentID></xml>", CorpID, e.members[who].id, e.now().Unix(), kind, rest, AppID)
}

func (e *Emulator) text(who int, text string) provider.Request {
	id, _ := rand.Int(rand.Reader, maxMsgID)
	return e.callback(e.fields(who, "text", fmt.Sprintf("<Content>%s</Content><MsgId>%s</MsgId>", cdata(text), id)))
}

// cdata writes a text as it is, but for what would end it.
func cdata(text string) string {
	return "<![CDATA[" + strings.ReplaceAll(text, "]]>", "]]]]><![CDATA[>") + "]]>"
}
