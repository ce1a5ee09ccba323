package bridge_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/scimcrowd/scimcrowd/backup"
	"github.com/scimcrowd/scimcrowd/crowd/crowdtest"
	"github.com/scimcrowd/scimcrowd/examples/server/bridge"
	"github.com/scimcrowd/scimcrowd/scim"
)

// Tracing plugs in at both ends: a middleware begins a span for each request, and the
// transport to Crowd, whose context is that of the request, one for each call. With
// OpenTelemetry these are otelhttp.NewHandler and otelhttp.NewTransport.
func Example_tracing() {
	folder, err := os.MkdirTemp("", "bridge")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	file, secret := document(folder)
	fake := &crowdtest.Server{}
	server, err := bridge.New(context.Background(), bridge.Config{
		File: file, Listen: "127.0.0.1:0", BaseURL: "https://bridge.example.com",
		Middleware: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fmt.Println("span:", r.Method, r.URL.Path)
				next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), span{}, "request 1")))
			})
		},
		Transport: func(http.RoundTripper) http.RoundTripper { return traced{fake} },
	})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- server.Run(ctx) }()

	r, err := http.NewRequest(http.MethodGet, "http://"+server.Addr()+"/scim/v2/Users?filter=userName%20eq%20%22ada%22", nil)
	if err != nil {
		panic(err)
	}
	r.Header.Set("Authorization", "Bearer "+secret)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		panic(err)
	}
	_ = answer.Body.Close()
	fmt.Println(answer.Status)
	http.DefaultClient.CloseIdleConnections()
	cancel()
	fmt.Println("ended:", <-ended)
	// Output:
	// span: GET /scim/v2/Users
	//   call of request 1: GET user
	// 200 OK
	// ended: <nil>
}

type span struct{}

// traced tells of the calls to Crowd that are made for a request.
type traced struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (t traced) RoundTrip(r *http.Request) (*http.Response, error) {
	if of, ok := r.Context().Value(span{}).(string); ok {
		fmt.Printf("  call of %s: %s %s\n", of, r.Method, filepath.Base(r.URL.Path))
	}
	return t.next.RoundTrip(r)
}

// document writes a configuration with one connection.
func document(folder string) (file, token string) {
	secret, entry := scim.NewToken()
	file = filepath.Join(folder, "config.json")
	out, err := os.Create(file)
	if err != nil {
		panic(err)
	}
	defer out.Close()
	if err := backup.Write(out, &backup.Config{Connections: []backup.Connection{{
		Name: "okta", Path: "/scim/v2", Tokens: []scim.Token{entry},
		Crowd: backup.Crowd{
			URL: "https://crowd.example.com/crowd", Application: crowdtest.DefaultApplication,
			Password: backup.Password{Value: crowdtest.DefaultPassword},
		},
	}}}); err != nil {
		panic(err)
	}
	return file, secret.Reveal()
}
