package dnscheck

import (
	"slices"
	"strings"

	"quorate.org/daemon/fault"
)

// nameServers tells of those that do not answer, and of those that say
// different things: then it is chance which of it a call bridge hears.
func (j *judgement) nameServers() {
	for _, server := range j.Servers {
		j.silence(server)
	}
	var seen []Question
	for _, answer := range j.Answers {
		q := Question{Name: answer.Name, Type: answer.Type}
		if !slices.Contains(seen, q) {
			seen = append(seen, q)
			j.agree(q)
		}
	}
}

// silence tells of one server: in one line when it answers nothing at all.
func (j *judgement) silence(server string) {
	var failed []Answer
	asked, others := 0, false
	for _, answer := range j.Answers {
		switch {
		case answer.Server == server && answer.Failed != "":
			failed = append(failed, answer)
			asked++
		case answer.Server == server:
			asked++
		case answer.Failed == "":
			others = true
		}
	}
	tell := func(text string) {
		j.find(Finding{Code: fault.DNS, Text: text, Remedy: "check the name servers that dns shows, and the network to them", Hint: others})
	}
	if len(failed) == asked && asked > 0 {
		tell("the name server " + server + unanswered(failed[0].Failed))
		return
	}
	for _, answer := range failed {
		tell("the name server " + server + ", asked for " + answer.Name + "," + unanswered(answer.Failed))
	}
}

// unanswered is the reason as the end of a sentence about the server.
func unanswered(why string) string {
	switch {
	case why == "no answer":
		return " does not answer"
	case strings.HasPrefix(why, "answers "): // with an error: SERVFAIL
		return " " + why
	}
	return " gives no answer: " + why
}

// agree compares what the servers say to one question.
func (j *judgement) agree(q Question) {
	var servers, said []string
	for _, answer := range j.Answers {
		if answer.Name == q.Name && answer.Type == q.Type && answer.Failed == "" {
			servers, said = append(servers, answer.Server), append(said, inWords(answer.Records))
		}
	}
	if len(slices.Compact(slices.Clone(said))) < 2 {
		return
	}
	for i := range said {
		said[i] = servers[i] + " says " + said[i]
	}
	j.wrong("have them serve the same zone; a secondary may lag behind", "the name servers disagree about %s %s: %s", q.Name, q.Type, strings.Join(said, "; "))
}

// inWords is a set of records without what may differ: order, TTL, letter case.
func inWords(records []Record) string {
	values := make([]string, len(records))
	for i, r := range records {
		values[i] = plain(r.Value)
	}
	slices.Sort(values)
	if len(values) == 0 {
		return "there is none"
	}
	return strings.Join(slices.Compact(values), ", ")
}
