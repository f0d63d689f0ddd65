# SPDX-License-Identifier: ISC
# Copyright (c) 2026 The Paravane developers
#
# Make the autoconfiguration tables and the list of sources from a
# configuration and the lists of files, in the manner of config(8).
#
#	awk -v sys=DIR -v machine=NAME -v ioconf=OUT.c -v sources=OUT.mk \
#	    -f config.awk CONFIG FILES
#
# What OUT.mk has: SOURCES, below sys; OUTSIDE, elsewhere; and on which files
# it depends.

function fail(text)
{
	if (file != "")
		text = file ":" line ": " text
	print text > "/dev/stderr"
	failed = 1
	exit 1
}

# Where a path that a line names is: absolute, beside the file that has the
# line if it begins with a dot, else below sys.
function place(path,	dir)
{
	if (path ~ /^\//)
		return (path)
	if (path !~ /^\.\.?\//)
		return (sys "/" path)
	dir = file
	sub(/[^\/]*$/, "", dir)
	sub(/^\.\//, "", path)
	return (dir path)
}

# Read a file line by line, without comments and the returns of DOS.
function read_file(name, config,	saved, text, n)
{
	# by the same name, or by ever longer ones
	if (name in reading || depth > 30)
		fail(name ": includes itself")
	saved = file "\n" line
	reading[name] = 1
	depth++
	seen[name] = 1
	n = getline text < name
	if (n < 0)
		fail(name ": cannot be read")
	file = name
	line = 0
	for (; n > 0; n = getline text < name) {
		line++
		sub(/#.*/, "", text)
		sub(/\r$/, "", text)
		$0 = text
		if (NF == 0)
			continue
		if (config)
			config_line()
		else
			files_line()
	}
	if (n < 0)
		fail("cannot be read")
	close(name)
	delete reading[name]
	depth--
	split(saved, n_saved, "\n")
	file = n_saved[1]
	line = n_saved[2]
}

# device at parent [locator value]... [flags value]
# no device [at parent]
# include PATH
# files PATH
function config_line(	name)
{
	if (gsub(/\$MACHINE/, machine) && machine == "")
		fail("$MACHINE is not known")
	if ($1 == "include" && NF == 2)
		read_file(place($2), 1)
	else if ($1 == "files" && NF == 2)
		lists[nlists++] = place($2)
	else if ($1 == "no" && (NF == 2 || (NF == 4 && $3 == "at")))
		leave_out($2, NF == 4 ? $4 : "")
	else {
		c_text[n] = $0
		c_line[n] = line
		c_file[n] = file
		n++
	}
}

# Forget the lines of that device, or of all devices there.
function leave_out(name, parent,	i, to, w)
{
	to = 0
	for (i = 0; i < n; i++) {
		split(c_text[i], w)
		if ((w[1] == name || (name == "device" && parent != "")) &&
		    (w[3] == parent || parent == ""))
			continue
		c_text[to] = c_text[i]
		c_line[to] = c_line[i]
		c_file[to] = c_file[i]
		to++
	}
	if (to == n)
		fail(name ": no such device to leave out")
	n = to
}

# What line n of those that are left says.
function device_line(n,	i, name, parent, unit, star)
{
	file = c_file[n]
	line = c_line[n]
	$0 = c_text[n]
	if ($2 != "at" || NF < 3 || NF % 2 == 0)
		fail("not \"device at parent [name value]...\"")
	name = $1
	star = sub(/\*$/, "", name)
	unit = 0
	if (!star) {
		if (!match(name, /[0-9]+$/))
			fail(name ": a number or a star must follow")
		unit = substr(name, RSTART)
		name = substr(name, 1, RSTART - 1)
	} else if (match(name, /[0-9]+$/)) {
		unit = substr(name, RSTART)	# first unit of many
		name = substr(name, 1, RSTART - 1)
	}
	parent = $3
	if (parent != "root" && !sub(/(\?|[0-9]+)$/, "", parent))
		fail(parent ": a unit or ? must follow")

	c_name[n] = name
	c_unit[n] = unit
	c_star[n] = star ? "true" : "false"
	c_parent[n] = parent
	c_parentunit[n] = substr($3, length(parent) + 1)
	c_flags[n] = "0"
	for (i = 4; i < NF; i += 2) {
		if ($i == "flags")
			c_flags[n] = $(i + 1)
		else
			c_loc[n, $i] = $(i + 1) == "?" ? "-1" : $(i + 1)
		c_used[n, $i] = 1
		c_words[n] = c_words[n] " " $i
		if ($(i + 1) !~ /^(\?|-?[0-9]+|0x[0-9a-fA-F]+)$/)
			fail($(i + 1) ": not a number")
	}
	have[name] = 1
	have[name, "?"] = 1
	have[name, parent] = 1
}

function add_source(path,	elsewhere)
{
	elsewhere = path ~ /^\.?\.?\//
	if (elsewhere)
		path = place(path)
	if (path in added)
		return
	added[path] = 1
	if (elsewhere)
		outside = outside " " path
	else
		list = list " " path
}

function files_line(	i, j, alt, par)
{
	if ($1 == "include")
		read_file(place($2), 0)
	else if ($1 == "locators") {
		nloc[$2] = NF - 2
		for (i = 3; i <= NF; i++)
			loc[$2, i - 2] = $i
	} else if ($1 != "file" || NF < 2 || NF > 4)
		fail("not \"file PATH [DRIVER [PARENT]]\"")
	else if (NF == 2)
		add_source($2)
	else {
		split($3, alt, "|")
		split(NF == 4 ? $4 : "?", par, "|")
		for (i in alt)
			for (j in par)
				if ((alt[i], par[j]) in have) {
					add_source($2)
					return
				}
	}
}

# the indices of the lines that may be a parent of line i
function parents(i,	j, text)
{
	for (j = 0; j < n; j++) {
		if (c_name[j] != c_parent[i])
			continue
		if (c_parentunit[i] == "?" || c_star[j] == "true" ||
		    c_unit[j] == c_parentunit[i])
			text = text j ", "
	}
	return (text "-1")
}

function check(i,	w, k, j, ok)
{
	file = c_file[i]
	line = c_line[i]
	k = split(c_words[i], w, " ")
	for (j = 1; j <= k; j++) {
		ok = w[j] == "flags"
		for (l = 1; l <= nloc[c_parent[i]]; l++)
			ok = ok || loc[c_parent[i], l] == w[j]
		if (!ok)
			fail(w[j] ": no locator of " c_parent[i])
	}
	if (c_parent[i] != "root" && !(c_parent[i] in have))
		fail(c_parent[i] ": no such device in this configuration")
}

# the value of the jth locator of line i
function locator(i, j,	key)
{
	key = i SUBSEP loc[c_parent[i], j]
	return (key in c_loc ? c_loc[key] : "-1")
}

function write_ioconf(	i, j, a, out, locs)
{
	out = ioconf
	printf "/* Made by tools/config.awk from %s. */\n\n", ARGV[1] > out
	print "#include <sys/device.h>\n" > out
	for (i = 0; i < n; i++) {
		check(i)
		a = c_name[i] "_" c_parent[i] "_ca"
		if (!(c_name[i] in done))
			printf "extern struct cfdriver %s_cd;\n",
			    c_name[i] > out
		if (!(a in done))
			printf "extern const struct cfattach %s;\n", a > out
		done[c_name[i]] = done[a] = 1
		printf "static const short parents%d[] = { %s };\n", i,
		    parents(i) > out
		if (nloc[c_parent[i]] > 0) {
			printf "static const long loc%d[] = { ", i > out
			for (j = 1; j <= nloc[c_parent[i]]; j++)
				printf "%s, ", locator(i, j) > out
			print "};" > out
		}
	}
	print "\nconst struct cfdata cfdata[] = {" > out
	for (i = 0; i < n; i++) {
		locs = nloc[c_parent[i]] ? "loc" i : "NULL"
		printf "\t{ &%s_%s_ca, &%s_cd, parents%d, %s, %d, %s, %s },\n",
		    c_name[i], c_parent[i], c_name[i], i, locs, c_unit[i],
		    c_flags[i], c_star[i] > out
	}
	print "\t{ .cf_driver = NULL }\n};" > out
	close(out)
}

BEGIN {
	n = 0
	read_file(ARGV[1], 1)
	for (d = 0; d < n; d++)
		device_line(d)
	read_file(ARGV[2], 0)
	for (d = 0; d < nlists; d++)
		read_file(lists[d], 0)
	write_ioconf()
	printf "SOURCES =%s\nOUTSIDE =%s\n", list, outside > sources
	for (f in seen)
		printf "%s: %s\n%s:\n", sources, f, f > sources
	exit 0
}

END {
	if (failed)
		exit 1
}
