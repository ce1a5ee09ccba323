package admin

import (
	"context"
	"errors"
	"net/http"

	"github.com/scimcrowd/scimcrowd/crowd/internal/rest"
)

// A Server is what Crowd tells of itself.
type Server struct {
	Version     string // such as "6.3.0"
	BuildNumber int
	BuildDate   string
	// BaseURL is the address by which it believes to be known.
	BaseURL string
	// Time is what its clock shows, as it writes it.
	Time string
}

// Server returns information about the server.
//
// Resource: GET server-info.
func (c *Client) Server(ctx context.Context) (*Server, error) {
	var w struct {
		Version     string `json:"version"`
		BuildNumber int    `json:"buildNumber"`
		BuildDate   string `json:"buildDate"`
		BaseURL     string `json:"baseUrl"`
		ServerTime  string `json:"serverTime"`
	}
	err := c.call(ctx, rest.Request{
		Op: "read server information", Method: http.MethodGet, Resource: "server-info", Optional: true, Into: &w,
		Check: func() error {
			if w.Version == "" {
				return errors.New("it has no version")
			}
			return nil
		},
	})
	if err != nil {
		return nil, err
	}
	return &Server{w.Version, w.BuildNumber, w.BuildDate, w.BaseURL, w.ServerTime}, nil
}
