package cli

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/org/ai-ship/pkg/config"
	"github.com/org/ai-ship/pkg/draft"
	"github.com/org/ai-ship/pkg/preset"
	"github.com/org/ai-ship/pkg/report"
)

// completeWords gives every command's flags and arguments the words that the
// shell may offer. What cannot be found out is not offered: while somebody
// types, nothing is complained about.
func (p Process) completeWords(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		for flag, words := range map[string]cobra.CompletionFunc{
			"channel": p.channelWords, "to": p.channelWords, "from": p.channelWords,
			"registry": fixed(embedded),
			"fail-on":  fixed("low", "medium", "high", "critical"),
			"ci":       fixed(ciFiles()...),
			"require":  fixed("verdict", "test-result", "sbom", "provenance", "vulnerabilities"),
			"platform": fixed("linux/amd64", "linux/arm64"),
		} {
			if cmd.Flags().Lookup(flag) != nil {
				_ = cmd.RegisterFlagCompletionFunc(flag, words) // fails for a flag that is not there only
			}
		}
		if cmd.Flags().Lookup("config") != nil {
			_ = cmd.MarkFlagFilename("config", "yaml", "yml")
		}
		switch cmd.Name() {
		case "rollback", "history", "verify":
			cmd.ValidArgsFunction = first(p.channelWords)
		case "init":
			cmd.ValidArgsFunction = func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
				return nil, cobra.ShellCompDirectiveFilterDirs
			}
		}
	}
}

func fixed(words ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
}

// first offers words for the first argument only.
func first(words cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return words(cmd, args, typed)
	}
}

// configOf is the config that the command line being typed is about.
func (p Process) configOf(cmd *cobra.Command) string {
	flag := cmd.Flags().Lookup("config")
	if flag == nil {
		return draft.ConfigFile
	}
	if named := p.Getenv("AI_SHIP_CONFIG"); named != "" && !flag.Changed {
		return named
	}
	return flag.Value.String()
}

// channelWords are the channels of the config.
func (p Process) channelWords(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	c, ok := p.typed(cmd)
	if !ok {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	s := shelf{project: &project{config: c}}
	return s.channels(), cobra.ShellCompDirectiveNoFileComp
}

func (p Process) typed(cmd *cobra.Command) (*config.Config, bool) {
	name := p.configOf(cmd)
	root, err := os.OpenRoot(filepath.Dir(name))
	if err != nil {
		return nil, false
	}
	defer root.Close()
	c, err := readGates(root, filepath.Base(name), p.Getenv)
	return c, err == nil
}

// gateWords are the gates of the last run.
func (p Process) gateWords(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	f, err := os.Open(p.reportOf(cmd))
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer f.Close()
	r, err := report.Read(f)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	for _, g := range r.Gates {
		if !slices.Contains(names, g.Name) {
			names = append(names, g.Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// reportOf is the report that --report names, or the one beside the config.
func (p Process) reportOf(cmd *cobra.Command) string {
	if named, err := cmd.Flags().GetString("report"); err == nil && named != "" {
		return named
	}
	return filepath.Join(filepath.Dir(p.configOf(cmd)), outDir, report.JSONFile)
}

// presetWords are the presets, and what each is.
func presetWords(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var words []cobra.Completion
	for _, name := range preset.Names() {
		if chosen, err := preset.Of(name); err == nil {
			words = append(words, cobra.CompletionWithDesc(name, chosen.Summary))
		}
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}
