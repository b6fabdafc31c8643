package rapidtest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// In a callback of rapid.Check the outer test must be inaccessible, because its failure loses the shrunk example: the
// parameter has the outer test's name, or the first statement gives that name to something else (Wrap's result).
func TestChecksCannotReachTheOuterTest(t *testing.T) {
	t.Parallel()
	found := 0
	err := filepath.WalkDir("../..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && isCheck(call) {
				found++
				if !hidesOuter(call) {
					t.Errorf("%s: this check can fail the outer test: begin it with t := rapidtest.Wrap(t, rt)", set.Position(call.Pos()))
				}
			}
			return true
		})
		return nil
	})
	if err != nil || found < 15 {
		t.Fatalf("%d checks were found: %v", found, err)
	}
}

// isCheck reports whether a call is rapid.Check with a function literal.
func isCheck(call *ast.CallExpr) bool {
	fun, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || len(call.Args) != 2 || (fun.Sel.Name != "Check" && fun.Sel.Name != "MakeCheck") {
		return false
	}
	pkg, ok := fun.X.(*ast.Ident)
	_, literal := call.Args[1].(*ast.FuncLit)
	return ok && pkg.Name == "rapid" && literal
}

func hidesOuter(call *ast.CallExpr) bool {
	outer, ok := call.Args[0].(*ast.Ident)
	if !ok {
		return false
	}
	check := call.Args[1].(*ast.FuncLit) //nolint:forcetypeassert // see isCheck
	if params := check.Type.Params.List; len(params) == 1 && len(params[0].Names) == 1 && params[0].Names[0].Name == outer.Name {
		return true
	}
	if len(check.Body.List) == 0 {
		return false
	}
	first, ok := check.Body.List[0].(*ast.AssignStmt)
	if !ok || first.Tok != token.DEFINE {
		return false
	}
	name, ok := first.Lhs[0].(*ast.Ident)
	return ok && name.Name == outer.Name
}
