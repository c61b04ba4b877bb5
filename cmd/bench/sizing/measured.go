package sizing

import (
	"encoding/json"
	"fmt"
	"os"
)

// Measured is what the real server did in real time.
type Measured struct {
	Date    string          `json:"date"`
	Machine string          `json:"machine"`
	Points  []MeasuredPoint `json:"points"`
}

// MeasuredPoint is what came of a Point.
type MeasuredPoint struct {
	Name     string `json:"name"`
	Packets  int    `json:"packets"` // after the warm-up
	Queries  int    `json:"queries"` // of the whole
	Answered int    `json:"answered"`
}

// LoadMeasured reads what Save has written.
func LoadMeasured(path string) (*Measured, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	m := new(Measured)
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return m, nil
}

// Save writes m to a file.
func (m *Measured) Save(path string) error {
	text, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
