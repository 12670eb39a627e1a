package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"golang.org/x/sync/errgroup"
)

// bareCommand makes this program upload and nothing else, so that it is
// measured from outside, as every other client is.
const bareCommand = "bare-upload"

// streams of the bare upload, as many as ai-ship's --jobs.
const streams = 4

// uploadBare sends files with as little work as the protocol allows: digests
// come from outside, nothing is hashed, and since the body is the file itself,
// net/http lets the kernel move the bytes (sendfile).
//
// Its arguments are the registry's host and then digest=path of each file.
func uploadBare(ctx context.Context, args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("%s: expected a host and files", bareCommand)
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: streams}}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(streams)
	for _, arg := range args[1:] {
		digest, path, _ := strings.Cut(arg, "=")
		group.Go(func() error {
			if err := sendBare(ctx, client, args[0], digest, path); err != nil {
				return fmt.Errorf("sending %q: %w", path, err)
			}
			return nil
		})
	}
	return group.Wait()
}

func sendBare(ctx context.Context, client *http.Client, host, digest, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	send := func(method, address string, body io.Reader, size int64, want int) (string, error) {
		req, err := http.NewRequestWithContext(ctx, method, address, body)
		if err != nil {
			return "", err
		}
		req.ContentLength = size
		res, err := client.Do(req)
		if err != nil {
			return "", err
		}
		defer res.Body.Close()
		text, err := io.ReadAll(io.LimitReader(res.Body, 1<<10))
		if err == nil && res.StatusCode != want {
			err = fmt.Errorf("%s: %s: %s", method, res.Status, text)
		}
		return res.Header.Get("Location"), err
	}
	location, err := send(http.MethodPost, "http://"+host+"/v2/bench/bare/blobs/uploads/", nil, 0, http.StatusAccepted)
	if err != nil {
		return err
	}
	if location, err = send(http.MethodPatch, location, f, info.Size(), http.StatusAccepted); err != nil {
		return err
	}
	u, err := url.Parse(location)
	if err != nil {
		return err
	}
	q := u.Query()
	q.Set("digest", digest)
	u.RawQuery = q.Encode()
	_, err = send(http.MethodPut, u.String(), nil, 0, http.StatusCreated)
	return err
}
