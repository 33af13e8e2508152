package qiyu

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // QiYu asks for it
	"encoding/hex"
	"image"
	_ "image/gif"  // to know the size of pictures
	_ "image/jpeg" // as above
	_ "image/png"  // as above
	"io"
	"mime/multipart"

	"github.com/human-handoff/handoff/internal/handoff"
	"github.com/human-handoff/handoff/internal/provider"
)

// picture is the content of a message that is one.
type picture struct {
	URL    string `json:"url"`
	Size   int64  `json:"size"`
	MD5    string `json:"md5"`
	Width  int    `json:"w,omitempty"`
	Height int    `json:"h,omitempty"`
}

// show uploads a picture and sends it. Our own address of it might be out of the
// reach of QiYu and of the browsers of its staff.
func (a *Adapter) show(ctx context.Context, uid string, attachment handoff.Attachment) error {
	data, err := a.read(ctx, attachment)
	if err != nil {
		return err
	}
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("file", attachment.Name)
	if err == nil {
		_, _ = part.Write(data) // into memory, where nothing fails
		err = w.Close()
	}
	if err != nil {
		return provider.Errorf(provider.ClassRejected, "encode the picture: %w", err)
	}
	got, err := a.client.send(ctx, "/message/uploadFile", form.Bytes(), w.FormDataContentType(), data)
	if err != nil {
		return err
	}
	if got.URL == "" {
		return provider.Errorf(provider.ClassTransient, "QiYu's answer holds no address of the picture")
	}
	digest := md5.Sum(data) //nolint:gosec // as above
	shown := picture{URL: got.URL, Size: int64(len(data)), MD5: hex.EncodeToString(digest[:])}
	if config, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil {
		shown.Width, shown.Height = config.Width, config.Height
	}
	return a.client.say(ctx, uid, typePicture, shown)
}

// read reads a picture whole, for its digest goes before it.
func (a *Adapter) read(ctx context.Context, attachment handoff.Attachment) ([]byte, error) {
	content, err := a.files.Content(ctx, attachment)
	if err != nil {
		return nil, provider.Errorf(provider.ClassTransient, "read the picture: %w", err)
	}
	defer func() { _ = content.Close() }()
	data, err := io.ReadAll(io.LimitReader(content, maxPicture+1))
	switch {
	case err != nil:
		return nil, provider.Errorf(provider.ClassTransient, "read the picture: %w", err)
	case len(data) > maxPicture:
		return nil, provider.Errorf(provider.ClassRejected, "the picture is larger than QiYu takes")
	}
	return data, nil
}
