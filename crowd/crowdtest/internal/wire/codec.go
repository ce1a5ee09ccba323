package wire

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// A Format is JSON or XML.
type Format int

// The formats.
const (
	JSON Format = iota
	XML
)

// ContentType returns the media type of the format.
func (f Format) ContentType() string {
	if f == JSON {
		return "application/json"
	}
	return "application/xml"
}

// XMLHeader starts every XML document.
const XMLHeader = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`

// Append writes v to b, without the header of an XML document.
func (f Format) Append(b *bytes.Buffer, v any) error {
	if f == XML {
		return xml.NewEncoder(b).Encode(v)
	}
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1) // the encoder's line break
	return nil
}

// Document writes v to b as a whole document.
func (f Format) Document(b *bytes.Buffer, v any) error {
	if f == XML {
		b.WriteString(XMLHeader)
	}
	return f.Append(b, v)
}

// Decode reads the one value of a document. Strict refuses unknown members of
// JSON objects.
func (f Format) Decode(data []byte, v any, strict bool) error {
	if f == XML {
		return decodeXML(data, v)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if strict {
		d.DisallowUnknownFields()
	}
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("there is text after the JSON value")
	}
	return nil
}

func decodeXML(data []byte, v any) error {
	if !utf8.Valid(data) {
		return errors.New("the document is not UTF-8")
	}
	d := xml.NewDecoder(bytes.NewReader(data))
	d.CharsetReader = func(charset string, r io.Reader) (io.Reader, error) {
		if strings.EqualFold(charset, "utf-8") {
			return r, nil
		}
		return nil, errors.New("the document is not UTF-8")
	}
	if err := d.Decode(v); err != nil {
		return err
	}
	for {
		token, err := d.Token()
		switch token := token.(type) {
		case nil:
			if err == io.EOF {
				return nil
			}
			return err
		case xml.Comment, xml.ProcInst:
		case xml.CharData:
			if strings.TrimSpace(string(token)) != "" {
				return errors.New("there is text after the XML document")
			}
		default:
			return errors.New("there is more than one XML document")
		}
	}
}

// AppendXMLText writes text escaped for an XML attribute or element.
func AppendXMLText(b *bytes.Buffer, text string) { _ = xml.EscapeText(b, []byte(text)) }
