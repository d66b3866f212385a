// Command bench measures whole runs of codex-design against copying the same
// tree with cp and syncing it, and prints the figures as Markdown tables.
//
//	go run ./tools/bench [-rounds N] [-services 3,10,100,1000] [-dir DIR]
//
// Figures are ratios of runs that alternate on the same machine, so they can be
// compared between machines; the seconds are there to see the order of magnitude.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"codex-design/model"
)

func main() {
	rounds := flag.Int("rounds", 7, "runs of each kind; the median counts")
	services := flag.String("services", "3,10,100,1000", "numbers of services, separated by commas")
	dir := flag.String("dir", "", "where trees are written (default: a temporary directory)")
	flag.Parse()
	if err := bench(*rounds, *services, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func bench(rounds int, services, dir string) (err error) {
	work, err := os.MkdirTemp(dir, "codex-design-bench")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	b := bencher{program: filepath.Join(work, "codex-design"), work: work, rounds: rounds}
	if _, err := measure("go", "build", "-o", b.program, "."); err != nil {
		return err
	}
	if err := b.startUp(); err != nil {
		return err
	}
	fmt.Printf("\n| services | files | MiB | generate s | cp -r and sync -f s | ratio | files/s | no change s | of first run | one service changed s | peak MiB |\n")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|")
	for _, text := range strings.Split(services, ",") {
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("-services %s: %w", services, err)
		}
		if err := b.generate(n); err != nil {
			return err
		}
	}
	return nil
}

type bencher struct {
	program, work string
	rounds        int
}

// run is what one process cost.
type run struct {
	wall    time.Duration
	peakMiB float64
}

func measure(name string, args ...string) (run, error) {
	command := exec.Command(name, args...)
	start := time.Now()
	output, err := command.CombinedOutput()
	wall := time.Since(start)
	if err != nil {
		return run{}, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, output)
	}
	return run{wall, peakMiB(command.ProcessState)}, nil
}

// peakMiB is the largest resident set of an ended process.
func peakMiB(state *os.ProcessState) float64 {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return float64(usage.Maxrss) / (1 << 20)
	}
	return float64(usage.Maxrss) / (1 << 10)
}

// median of the wall times, and the largest peak.
func median(runs []run) run {
	walls := make([]time.Duration, len(runs))
	result := run{}
	for i, r := range runs {
		walls[i] = r.wall
		result.peakMiB = max(result.peakMiB, r.peakMiB)
	}
	slices.Sort(walls)
	result.wall = walls[len(walls)/2]
	return result
}

func (b bencher) startUp() error {
	var version, nothing []run
	for range 5 * b.rounds {
		v, err := measure(b.program, "version")
		if err != nil {
			return err
		}
		t, err := measure("true")
		if err != nil {
			return err
		}
		version, nothing = append(version, v), append(nothing, t)
	}
	v, t := median(version), median(nothing)
	fmt.Println("| start-up | ms | peak MiB |\n|---|---|---|")
	fmt.Printf("| `codex-design version` | %.1f | %.0f |\n", millis(v.wall), v.peakMiB)
	fmt.Printf("| `true` | %.1f | |\n", millis(t.wall))
	return nil
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// generate measures one size: first generation against a copy of the same tree,
// run for run, then a run without a change and one with a small change.
func (b bencher) generate(services int) error {
	file := filepath.Join(b.work, "design.yaml")
	if err := os.WriteFile(file, model.Format(design(services)), 0o644); err != nil {
		return err
	}
	var tree string
	var first, copied, again, tweaked []run
	for i := range b.rounds {
		// Each round has trees of its own, removed in the end: file systems are slow to
		// give out again what was just removed, which would be measured too.
		round := filepath.Join(b.work, fmt.Sprintf("%d-%d", services, i))
		if err := os.Mkdir(round, 0o755); err != nil {
			return err
		}
		other := filepath.Join(round, "copy")
		tree = filepath.Join(round, "tree")
		steps := []struct {
			runs *[]run
			args []string
		}{
			{&first, []string{b.program, file, "--yes", "--out", tree}},
			{&copied, []string{"sh", "-c", `cp -r "$0" "$1" && sync -f "$1"`, tree, other}},
			{&again, []string{b.program, file, "--yes", "--out", tree}},
			{&tweaked, []string{b.program, file, "--yes", "--out", tree, "--set", fmt.Sprintf("services[0].description=Changed %d", i)}},
		}
		for _, step := range steps {
			r, err := measure(step.args[0], step.args[1:]...)
			if err != nil {
				return err
			}
			*step.runs = append(*step.runs, r)
		}
	}
	files, bytes, err := size(tree)
	if err != nil {
		return err
	}
	g, c, a, w := median(first), median(copied), median(again), median(tweaked)
	fmt.Printf("| %d | %d | %.1f | %.3f | %.3f | **%.2f** | %.0f | %.3f | %.2f | %.3f | %.0f |\n",
		services, files, float64(bytes)/(1<<20), g.wall.Seconds(), c.wall.Seconds(), g.wall.Seconds()/c.wall.Seconds(),
		float64(files)/g.wall.Seconds(), a.wall.Seconds(), a.wall.Seconds()/g.wall.Seconds(), w.wall.Seconds(), g.peakMiB)
	return nil
}

func size(dir string) (files int, bytes int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			files, bytes = files+1, bytes+info.Size()
		}
		return err
	})
	return files, bytes, err
}

// design is a system of n services with three entities each.
func design(n int) model.Answers {
	answers := model.Defaults()
	answers.Name, answers.Scale = "bench", model.Medium
	for i := range n {
		service := model.Service{Name: fmt.Sprintf("unit-%04d", i), Description: "One of many", Cache: i%2 == 0}
		if i > 0 {
			service.Calls = []string{answers.Services[i/2].Name}
		}
		for _, name := range []string{"account", "booking", "parcel"} {
			service.Entities = append(service.Entities, model.Entity{Name: name, Fields: fields()})
		}
		answers.Services = append(answers.Services, service)
	}
	return answers
}

func fields() []model.Field {
	var list []model.Field
	for _, text := range []string{
		"code: string(32) required unique", "title: string(200) required", "price: decimal(12,2) required min(0)",
		"state: enum(draft, active, retired) default(draft)", "due_on: date index", "note: text",
	} {
		field, err := model.ParseField(text)
		if err != nil {
			panic(err) // the line above is wrong
		}
		list = append(list, field)
	}
	return list
}
