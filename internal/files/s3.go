package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/human-handoff/handoff/internal/handoff"
)

// S3 keeps contents in a bucket of an S3-compatible store.
type S3 struct {
	client *minio.Client
	bucket string
	prefix string
}

var _ Store = (*S3)(nil)

// S3Options say which bucket, and how to reach it.
type S3Options struct {
	Bucket    string
	Prefix    string // of the objects' names; may be empty
	Endpoint  string // of the store, as an http or https URL; empty = Amazon's
	Region    string // empty = asked from the store
	AccessKey string
	SecretKey string
}

const amazon = "https://s3.amazonaws.com"

// ParseS3 reads s3://BUCKET/PREFIX?endpoint=URL&region=REGION. Credentials are
// not part of it, for it may be logged. The error tells what is wrong.
func ParseS3(address string) (S3Options, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "s3" || u.Host == "" || u.User != nil || u.Fragment != "" {
		return S3Options{}, errors.New("write it as s3://BUCKET/PREFIX?endpoint=https://HOST&region=REGION; keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	}
	o := S3Options{Bucket: u.Host, Prefix: strings.Trim(u.Path, "/")}
	for name, values := range u.Query() {
		switch name {
		case "endpoint":
			o.Endpoint = values[0]
		case "region":
			o.Region = values[0]
		default:
			return S3Options{}, fmt.Errorf("%q is not known here; there are endpoint and region", name)
		}
	}
	return o, checkEndpoint(o.Endpoint)
}

func checkEndpoint(endpoint string) error {
	if endpoint == "" {
		return nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return fmt.Errorf("endpoint: %q is not http://HOST or https://HOST", endpoint)
	}
	return nil
}

// NewS3 returns a store in a bucket. It asks whether the bucket is there, so that
// what is wrong shows at the start.
func NewS3(ctx context.Context, o S3Options) (*S3, error) {
	if o.Endpoint == "" {
		o.Endpoint = amazon
	}
	u, err := url.Parse(o.Endpoint)
	if err != nil {
		return nil, err
	}
	client, err := minio.New(u.Host, &minio.Options{
		Creds: credentials.NewStaticV4(o.AccessKey, o.SecretKey, ""), Secure: u.Scheme == "https", Region: o.Region,
	})
	if err != nil {
		return nil, err
	}
	there, err := client.BucketExists(ctx, o.Bucket)
	if err != nil {
		return nil, fmt.Errorf("bucket %s: %w", o.Bucket, err)
	}
	if !there {
		return nil, fmt.Errorf("there is no bucket %s", o.Bucket)
	}
	return &S3{client: client, bucket: o.Bucket, prefix: o.Prefix}, nil
}

func (s *S3) name(key string) string { return path.Join(s.prefix, key) }

// Put implements Store. One request carries all of it: parts would be held in
// memory, and what is cut stays away by itself. The type is none that a browser
// would run, should the bucket be public.
func (s *S3) Put(ctx context.Context, key string, content io.Reader, size int64) error {
	_, err := s.client.PutObject(ctx, s.bucket, s.name(key), content, size, minio.PutObjectOptions{
		ContentType: "application/octet-stream", DisableMultipart: true,
	})
	return err
}

// Open implements Store. What is read is asked for as it is needed.
func (s *S3) Open(ctx context.Context, key string) (io.ReadSeekCloser, error) {
	object, err := s.client.GetObject(ctx, s.bucket, s.name(key), minio.GetObjectOptions{})
	if err != nil {
		return nil, err
	}
	if _, err := object.Stat(); err != nil {
		_ = object.Close()
		if minio.ToErrorResponse(err).StatusCode == http.StatusNotFound {
			return nil, handoff.ErrFileNotFound
		}
		return nil, err
	}
	return object, nil
}

// Delete implements Store.
func (s *S3) Delete(ctx context.Context, key string) error {
	return s.client.RemoveObject(ctx, s.bucket, s.name(key), minio.RemoveObjectOptions{})
}
