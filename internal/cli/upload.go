// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/gyre-ctem/gyre"
	"github.com/gyre-ctem/gyre/internal/httpapi"
)

func (c *cli) uploadCmd() *cobra.Command {
	cmd := &cobra.Command{Use: "upload", Aliases: []string{"uploads"}, Short: "See what became of imports; cancel one, or try one again"}
	cmd.AddCommand(c.uploadListCmd(), c.uploadShowCmd(), c.uploadCancelCmd(), c.uploadRetryCmd())
	return cmd
}

func (c *cli) uploadListCmd() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use: "list", Short: "List imports, newest first", Args: cobra.NoArgs,
		Example: "  gyre upload list --limit 20",
		RunE: c.with(func(cmd *cobra.Command, a *api, _ []string) error {
			var list httpapi.ImportList
			if err := a.get(cmd.Context(), "/imports", url.Values{"limit": {strconv.Itoa(limit)}}, &list); err != nil {
				return err
			}
			return c.printer().list(list, uploadRows(list.Items))
		}),
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "how many")
	return cmd
}

func uploadRows(all []gyre.Upload) *rows {
	r := &rows{header: []string{"ID", "File", "Format", "Size", "State", "Stored", "New", "Closed", "By", "When", "Error"}}
	for _, u := range all {
		stored := ""
		if u.Batches > 0 {
			stored = fmt.Sprintf("%d of %d", u.Stored, u.Batches)
		}
		r.add(u.ID.String(), short(u.Name, 40), u.Format, size(u.Size), string(u.State), stored, nonzero(u.Counts.Created), nonzero(u.Counts.Closed),
			u.Actor, when(u.Created), short(u.Error, 60))
	}
	r.footer = count(len(all), "import") + "."
	return r
}

// size writes bytes for people.
func size(n int64) string {
	switch {
	case n >= 10<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 10<<10:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}

func (c *cli) uploadShowCmd() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Show an import", Args: cobra.ExactArgs(1),
		Example: "  gyre upload show 0cnv2tyqkpw00 -o json",
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			var d httpapi.ImportDetail
			if err := a.get(cmd.Context(), "/imports/"+url.PathEscape(args[0]), nil, &d); err != nil {
				return err
			}
			why := d.Error
			if d.Field != "" {
				why = d.Field + ": " + why
			}
			n := d.Counts
			return c.printer().object(
				d,
				[2]string{"Import", d.ID.String()},
				[2]string{"File", d.Name},
				[2]string{"Size", size(d.Size)},
				[2]string{"SHA-256", d.Digest},
				[2]string{"Format", d.Format},
				[2]string{"Looked", when(d.Looked)},
				[2]string{"State", string(d.State)},
				[2]string{"Stored", fmt.Sprintf("%d of %d batches", d.Stored, d.Batches)},
				[2]string{"Brought", fmt.Sprintf("%s, %s new; %s new, %d reopened, %d closed", count(n.Assets, "asset"), strconv.Itoa(n.NewAssets), count(n.Created, "exposure"), n.Reopened, n.Closed)},
				[2]string{"Run", d.Run.String()},
				[2]string{"By", d.Actor},
				[2]string{"Handed in", when(d.Created)},
				[2]string{"Ended", when(d.Ended)},
				[2]string{"Error", why},
			)
		}),
	}
}

func (c *cli) uploadCancelCmd() *cobra.Command {
	return &cobra.Command{
		Use: "cancel ID", Short: "Cancel an import that is not being stored yet", Args: cobra.ExactArgs(1),
		Long: `Cancels an import while it waits or is checked; nothing of it is stored then. Once it is
being stored it goes on to its end: half a report would say that the other half is not there.`,
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			var u gyre.Upload
			if err := a.do(cmd.Context(), http.MethodPost, "/imports/"+url.PathEscape(args[0])+"/cancel", nil, &u); err != nil {
				return err
			}
			return c.printer().list([]gyre.Upload{u}, uploadRows([]gyre.Upload{u}))
		}),
	}
}

func (c *cli) uploadRetryCmd() *cobra.Command {
	return &cobra.Command{
		Use: "retry ID", Short: "Import anew what failed or was cancelled; go on with what stands still", Args: cobra.ExactArgs(1),
		RunE: c.with(func(cmd *cobra.Command, a *api, args []string) error {
			var u gyre.Upload
			if err := a.do(cmd.Context(), http.MethodPost, "/imports/"+url.PathEscape(args[0])+"/retry", nil, &u); err != nil {
				return err
			}
			view := c.uploadView()
			defer view.end()
			d, err := a.awaitUpload(cmd.Context(), u, view)
			if err != nil {
				return err
			}
			view.end()
			return c.printer().list([]gyre.Upload{d.Upload}, uploadRows([]gyre.Upload{d.Upload}))
		}),
	}
}

// uploadView tells how far an import is: on a terminal in one line that changes,
// elsewhere in a line for each state.
type uploadView struct {
	w        io.Writer
	terminal bool
	state    gyre.UploadState
	drawn    bool
}

func (c *cli) uploadView() *uploadView {
	v := &uploadView{w: c.err, terminal: c.terminal()}
	if c.quiet {
		v.w = discard{}
	}
	return v
}

var uploadWords = map[gyre.UploadState]string{
	gyre.UploadReceiving: "uploading", gyre.UploadWaiting: "waiting for its turn",
}

func (v *uploadView) show(u gyre.Upload) {
	word := uploadWords[u.State]
	if word == "" {
		word = string(u.State)
	}
	line := printable(u.Name) + ": " + word
	if u.Total > 0 && !u.State.Ended() && u.State != gyre.UploadWaiting {
		line += fmt.Sprintf(" %d %%", 100*u.Done/u.Total)
	}
	if u.Error != "" && !u.State.Ended() {
		line += ", stands still: " + printable(short(u.Error, 100))
	}
	switch {
	case v.terminal:
		v.drawn = true
		_, _ = fmt.Fprintf(v.w, "\r\x1b[K%s", line)
	case u.State != v.state:
		_, _ = fmt.Fprintln(v.w, line)
	}
	v.state = u.State
}

func (v *uploadView) say(line string) {
	v.end()
	_, _ = fmt.Fprintln(v.w, line)
}

// end leaves a clean line.
func (v *uploadView) end() {
	if v.drawn {
		_, _ = fmt.Fprint(v.w, "\r\x1b[K")
		v.drawn = false
	}
}
