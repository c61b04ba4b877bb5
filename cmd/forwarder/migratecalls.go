package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"vpcdns/forwarder/namedconf"
)

// Files that may call named's programs: of cron, logrotate, administrators'
// scripts and units, and of what watches over services.
var callers = []string{
	"/etc/crontab", "/etc/anacrontab", "/etc/cron.d/*", "/etc/cron.hourly/*", "/etc/cron.daily/*",
	"/etc/cron.weekly/*", "/etc/cron.monthly/*", "/var/spool/cron/*", "/var/spool/cron/crontabs/*",
	"/etc/logrotate.conf", "/etc/logrotate.d/*",
	"/usr/local/bin/*", "/usr/local/sbin/*", "/root/*.sh", "/opt/*/bin/*",
	"/etc/systemd/system/*", "/etc/systemd/system/*/*", "/etc/rc.d/rc.local", "/etc/rc.local",
	"/etc/NetworkManager/dispatcher.d/*", "/etc/dhcp/*", "/etc/dhcp/*/*", "/etc/ppp/ip-up.d/*",
	"/etc/monit.d/*", "/etc/monit/*", "/etc/monit/*/*", "/etc/nagios/*", "/etc/nrpe.d/*", "/etc/zabbix/*", "/etc/zabbix/*/*",
	"/etc/keepalived/*", "/etc/sudoers", "/etc/sudoers.d/*", "/etc/collectd.d/*", "/etc/telegraf/*", "/etc/telegraf/*/*",
}

// What is looked at of them at most.
const (
	maxCallers     = 5000
	maxCallerBytes = 1 << 20
)

// addCalls adds the lines of other programs that are about named.
func (m *migration) addCalls() {
	n := 0
	for _, pattern := range callers {
		paths, _ := filepath.Glob(pattern) // the patterns are good
		for _, path := range paths {
			if n++; n > maxCallers {
				return
			}
			m.addCallsOf(path)
		}
	}
}

// addCallsOf looks at a file of this machine's own: links lead to the units of
// packages, and those of named itself go with it.
func (m *migration) addCallsOf(path string) {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxCallerBytes || ownUnit.MatchString(path) {
		return
	}
	text, err := os.ReadFile(path)
	if err != nil || bytes.IndexByte(text, 0) >= 0 { // a program
		return
	}
	line := int32(0)
	for text := range strings.Lines(string(text)) {
		line++
		text = strings.TrimSpace(text)
		if strings.HasPrefix(text, "#") || strings.HasPrefix(text, ";") {
			continue
		}
		if c, ok := called(text); ok {
			c.pos = namedconf.Pos{File: path, Line: line}
			m.concerns = append(m.concerns, c)
		}
	}
}

// use is a way in which programs are about named.
type use struct {
	pattern  *regexp.Regexp
	severity namedconf.Severity
	what, do string // with $0 for the match
}

// ours is the name under which replace-named leads systemd's tools to the
// forwarder; otherName are those that it leaves.
const (
	ours      = `named(?:\.service)?`
	otherName = `(?:bind9|named-chroot)(?:\.service)?`
)

// calling is a pattern of who tells systemd, or what was there before it, to do
// something with a service.
func calling(service string) *regexp.Regexp {
	const (
		systemctl = `\bsystemctl\s+(?:-\S+\s+)*[a-z-]+\s+(?:-\S+\s+)*`
		older     = `(?:\b(?:service|invoke-rc\.d|rc-service)\s+|/etc/(?:rc\.d/)?init\.d/)`
	)
	return regexp.MustCompile(systemctl + service + `(?:\s|$|[;&|'")])|` + older + service + `\s+[a-z-]+`)
}

// depending is a pattern of units that are tied to a service.
func depending(service string) *regexp.Regexp {
	return regexp.MustCompile(`\b(?:After|Before|Requires|Wants|BindsTo|PartOf|Requisite|OnFailure)=(?:.*\s)?` + service + `(?:\s|$)`)
}

var uses = []use{
	{
		calling(otherName), namedconf.Change,
		"'$0' is about a service that no longer runs", "write systemctl and forwarder in its place",
	},
	{
		depending(`(?:bind9|named-chroot)\.service`), namedconf.Change,
		"'$0' is about a unit that no longer runs", "write forwarder.service in its place",
	},
	{calling(ours), namedconf.Harmless, "'$0' is about the forwarder after forwarder replace-named", ""},
	{depending(`named\.service`), namedconf.Harmless, "'$0' is about the forwarder after forwarder replace-named", ""},
	{
		regexp.MustCompile(`\brndc-confgen\b`), namedconf.Change,
		"'$0' goes with the package of BIND", "write forwarder rndc --make-key",
	},
	{
		regexp.MustCompile(`\bnamed-checkconf\b`), namedconf.Change,
		"'$0' goes with the package of BIND", "write forwarder --check-config: it has the same letters and exit status",
	},
	{
		regexp.MustCompile(`\bnamed-(?:checkzone|compilezone|journalprint)\b`), namedconf.Change,
		"'$0' goes with the package of BIND", "keep the package, or let forwarder --check-config load the zone",
	},
	{
		regexp.MustCompile(`\b(?:pidof|pgrep|pkill|killall)\b[^;|&]*\bnamed\b`), namedconf.Change,
		"'$0' finds no process of this name", "write forwarder in its place",
	},
	{
		regexp.MustCompile(`(?:^|[\s;&|=])(?:/usr)?/sbin/named(?:\s|$)`), namedconf.Change,
		"this starts named itself, which finds its port taken", "leave it out, or write /usr/sbin/forwarder -f",
	},
	{
		regexp.MustCompile(`https?://\S+/(?:json|xml)/v[0-9]`), namedconf.Change,
		"'$0' is like a statistics-channel of named, which is not served", "let it read /metrics at --metrics-address",
	},
	{
		regexp.MustCompile(`\S*/named\.pid\b`), namedconf.Harmless,
		"'$0' is written as before, where pid-file says", "",
	},
}

// ownUnit matches the units of named.
var ownUnit = regexp.MustCompile(`/(?:named|bind9)[^/]*\.service(?:\.d/|$|/)`)

// called tells what becomes of a line of a program.
func called(line string) (concern, bool) {
	if c, ok := calledRNDC(line); ok {
		return c, true
	}
	for _, u := range uses {
		if match := u.pattern.FindString(line); match != "" {
			match = strings.Trim(match, " \t;&|'\")")
			return concern{severity: u.severity, what: strings.ReplaceAll(u.what, "$0", match), do: u.do}, true
		}
	}
	return concern{}, false
}

// rndcCall finds rndc and what follows it on a line, up to where the shell ends it.
var rndcCall = regexp.MustCompile(`(?:^|[\s;&|=(` + "`" + `'"])(?:/usr)?(?:/s?bin/)?(rndc(?:\s+[-\w/.:$][^;&|<>()` + "`" + `'"\s]*)+)`)

// Flags of rndc that take a value.
const rndcValues = "bcksyp"

// Commands that are about zones, keys and validation: named's business.
var zoneCommands = strings.Fields("addzone delzone dnssec freeze loadkeys managed-keys modzone notify nta refresh retransfer secroots " +
	"showzone signing sync thaw tsig-delete tsig-list validation zonestatus")

// calledRNDC is about the real rndc, which drives the forwarder too.
func calledRNDC(line string) (c concern, ok bool) {
	match := rndcCall.FindStringSubmatch(line)
	if match == nil {
		return c, false
	}
	call := match[1]
	words := rndcWords(strings.Fields(call)[1:])
	if len(words) == 0 {
		return c, false
	}
	name := strings.ToLower(words[0])
	ofZone := slices.Contains(zoneCommands, name) || name == "reload" && len(words) > 1
	if ofZone || commandNamed(name) == nil {
		return concern{severity: namedconf.Change, what: "'" + call + "' fails: zones are not updated, transferred or signed here, " +
			"nor are answers validated", do: "leave it out; rndc reload, without a zone, loads all files anew"}, true
	}
	return concern{severity: namedconf.Harmless, what: "'" + call + "' does the same; where rndc goes with the package of BIND, " +
		"forwarder rndc takes the same words"}, true
}

// rndcWords are those of a command line that are no flags.
func rndcWords(args []string) []string {
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		if flag := args[0]; len(flag) == 2 && strings.Contains(rndcValues, flag[1:]) && len(args) > 1 {
			args = args[1:]
		}
		args = args[1:]
	}
	return args
}
