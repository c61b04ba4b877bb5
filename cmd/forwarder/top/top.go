package top

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"vpcdns/cmd/forwarder/page"
)

// Options are for Run.
type Options struct {
	Server  string // host and port of the metrics address
	Called  string // what the user calls it
	In      io.Reader
	Out     io.Writer
	Environ []string // NO_COLOR, TERM …
}

// Run shows a server on a terminal until the user quits.
func Run(ctx context.Context, o Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := &model{screen: screen{server: o.Called, width: 80, height: 24}}
	p := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(o.In), tea.WithOutput(o.Out), tea.WithEnvironment(o.Environ))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		newServer(o.Server).follow(ctx, func(d *page.Document, err error) { p.Send(news{d, err}) })
	}()
	_, err := p.Run()
	cancel()
	<-ended
	return err
}

// Once prints one frame as text, as wide as 80 columns: the overview, and the names.
func Once(ctx context.Context, o Options) error {
	d, err := newServer(o.Server).document(ctx)
	if err != nil {
		return fmt.Errorf("asking %s: %w", o.Called, err)
	}
	s := screen{server: o.Called, width: 80, height: 1 << 20, doc: d}
	list := append(append(s.head(d.Now), line{}), s.overview()...)
	list = append(append(list, line{}), s.names()...)
	var b strings.Builder
	for _, l := range s.fit(list) {
		b.WriteString(l.text + "\n")
	}
	_, err = io.WriteString(o.Out, b.String())
	return err
}

// news are a document, or why there is none.
type news struct {
	doc *page.Document
	err error
}

// model is the screen as bubbletea has it.
type model struct{ screen }

func (m *model) Init() tea.Cmd { return nil }

func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case news:
		m.hear(msg.doc, msg.err, time.Now())
	case tea.KeyPressMsg:
		if m.press(msg.String(), msg.Text) {
			return m, tea.Quit
		}
	}
	return m, nil
}

// styles are how lines look. Where there are no colours they differ all the same.
var styles = [...]lipgloss.Style{
	plain: lipgloss.NewStyle(),
	head:  lipgloss.NewStyle().Bold(true),
	bad:   lipgloss.NewStyle().Bold(true).Foreground(lipgloss.Red),
	faint: lipgloss.NewStyle().Faint(true),
}

func (m *model) View() tea.View {
	var b strings.Builder
	for i, l := range m.lines(time.Now()) {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(styles[l.mark].Render(l.text))
	}
	v := tea.NewView(b.String())
	v.AltScreen = true
	return v
}

// hear takes news.
func (s *screen) hear(d *page.Document, err error, now time.Time) {
	switch {
	case err == nil:
		s.doc, s.away, s.why = d, time.Time{}, ""
	case s.away.IsZero():
		s.away = now
		fallthrough
	default:
		s.why = err.Error()
	}
}

// press does what a key is for, and reports whether it ends the program. text is what it
// writes.
func (s *screen) press(key, text string) (quit bool) {
	switch {
	case key == "ctrl+c":
		return true
	case s.typing:
		s.typed(key, text)
		return false
	}
	page := max(1, s.height-6)
	switch key {
	case "q":
		return true
	case "?":
		s.help, s.first = !s.help, 0
	case "esc":
		s.help, s.filter, s.first = false, "", 0
	case "/":
		s.typing, s.filter, s.first, s.help = true, "", 0, false
		if s.view != hot {
			s.view = names
		}
	case "tab", "right", "l":
		s.turn(s.view + 1)
	case "shift+tab", "left", "h":
		s.turn(s.view + numViews - 1)
	case "1", "2", "3", "4":
		s.turn(view(key[0] - '1'))
	case "j", "down":
		s.first++
	case "k", "up":
		s.first = max(0, s.first-1)
	case "space", "pgdown":
		s.first += page
	case "b", "pgup":
		s.first = max(0, s.first-page)
	case "g", "home":
		s.first = 0
	}
	return false
}

func (s *screen) turn(v view) { s.view, s.first, s.help = v%numViews, 0, false }

// maxFilter is as long as a name may be.
const maxFilter = 255

// typed takes a key of the filter.
func (s *screen) typed(key, text string) {
	switch key {
	case "enter":
		s.typing = false
	case "esc":
		s.typing, s.filter = false, ""
	case "backspace":
		s.filter = s.filter[:max(0, len(s.filter)-1)]
	default:
		if text = strings.ToLower(clean(text)); len(s.filter)+len(text) <= maxFilter {
			s.filter += text
		}
	}
	s.first = 0
}
