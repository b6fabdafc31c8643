package console

import (
	"github.com/spf13/cobra"

	"mixduck/internal/fault"
)

// shells are the supported shells.
var shells = []string{"bash", "fish", "powershell", "zsh"}

// completionCommand prints the completion scripts of the command's root.
func completionCommand(name string) *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print a shell completion script",
		Long: `Print a script that completes commands and flags in your shell. SHELL is bash,
fish, powershell or zsh.`,
		Example: "  source <(" + name + " completion bash)\n" +
			"  " + name + " completion zsh >\"${fpath[1]}/_" + name + "\"\n" +
			"  " + name + " completion fish >~/.config/fish/completions/" + name + ".fish",
		ValidArgs: shells,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				return nil
			}
			return fault.Usage(c.CommandPath()+" bash", "%s takes one shell: bash, fish, powershell or zsh", c.CommandPath())
		},
		RunE: func(c *cobra.Command, args []string) error {
			root, w := c.Root(), c.OutOrStdout()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(w, true)
			case "fish":
				return root.GenFishCompletion(w, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(w)
			case "zsh":
				return root.GenZshCompletion(w)
			}
			return fault.Usage(c.CommandPath()+" bash", "unknown shell %q: use bash, fish, powershell or zsh", args[0])
		},
	}
}
