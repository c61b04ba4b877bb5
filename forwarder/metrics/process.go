package metrics

// processFamilies are about the process and its configuration.
var processFamilies = []family{
	{"config_last_reload_successful", gauge, nil,
		"0 if the last reload failed, so that an older configuration is in force, else 1.",
		one(lastReloadOK)},
	{"config_last_reload_success_timestamp_seconds", gauge, nil,
		"When the configuration in force was loaded, in Unix time.",
		one(configLoaded)},
	{"config_reloads_total", counter, []string{"result"},
		"Reloads of the configuration by result (success, failure).",
		collectReloads},
	{"log_lost_lines_total", counter, []string{"channel"},
		"Lines that a channel of the log lost, as its file or the syslog daemon failed, was full (size) or too slow.",
		collectLostLines},
	{"start_time_seconds", gauge, nil,
		"When the server was started, in Unix time.",
		one(started)},
	{"build_info", gauge, []string{"version", "revision", "goversion"},
		"Always 1; its labels tell how the program was built.",
		collectBuild},
}
