package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"regexp"
	"strings"
)

// A handler written for prestd: func() string, or func() (string, int).
type handler struct {
	Name       string
	WithStatus bool
}

// A plugin is what analyse has found in a package.
type plugin struct {
	scope    *types.Scope
	files    []*ast.File
	names    map[string]bool // base names of the files
	inputs   string
	handlers []handler
	// others are the files that are not package main. Those of a package with a PluginFactory become so while it is built: frameworks
	// link such packages into their programs.
	others []other
	// factory: its PluginFactory makes a plugin that is started, stopped and may have routes.
	factory bool
	// exported are the names of its //export lines.
	exported map[string]bool
	// exportsHandlers: some of these are handlers, of a C signature.
	exportsHandlers bool
	// inC: there may be handlers that are written in C.
	inC bool
	// hasVars and hasQuery tell whether the globals HTTPVars and URLQuery are there to be set.
	hasVars, hasQuery bool
	// hostVars are the globals that take a function of the host.
	hostVars []hostFunction
	// mayExit: runtime.Goexit is within reach of a handler.
	mayExit  bool
	problems []string
	warnings []string
	// saysNone: the warnings say that there is no handler.
	saysNone bool
}

// other is a file of another package than main: its path, the package's name, and where that stands in it.
type other struct {
	name, pkg string
	offset    int
}

// analyse reads a package. Its only errors are those of syntax.
func analyse(asked question) (*plugin, error) {
	fset := token.NewFileSet()
	found := &plugin{
		inputs:   asked.Inputs,
		names:    map[string]bool{},
		exported: map[string]bool{},
		problems: []string{},
		warnings: []string{},
	}
	for _, name := range asked.Files {
		file, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		if file.Name.Name != "main" {
			found.others = append(found.others, other{name, file.Name.Name, fset.Position(file.Name.Pos()).Offset})
		}
		found.files = append(found.files, file)
		found.names[filepath.Base(name)] = true
	}
	found.scope = check(fset, found.files)

	name := `(` + strings.Join(asked.Methods, "|") + `)[A-Za-z0-9_]{1,200}Handler`
	shape := regexp.MustCompile(`^` + name + `$`)
	for _, file := range found.files {
		for _, declaration := range file.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok || function.Recv != nil {
				continue
			}
			exported := exportedNames(function)
			for _, name := range exported {
				found.exported[name] = true
				found.exportsHandlers = found.exportsHandlers || shape.MatchString(name)
			}
			if shape.MatchString(function.Name.Name) {
				place := fset.Position(function.Pos())
				found.consider(function.Name.Name, fmt.Sprintf("%s:%d", filepath.Base(place.Filename), place.Line), len(exported) > 0)
			}
		}
	}
	found.considerFactory(fset)
	if !found.factory {
		for _, file := range found.others {
			found.problem("%s: a plugin is package main, and this is package %s", filepath.Base(file.name), file.pkg)
		}
	}
	found.hasVars = found.global("HTTPVars", types.NewMap(text, text))
	found.hasQuery = found.global("URLQuery", types.NewMap(text, types.NewSlice(text)))
	if len(found.handlers) > 0 {
		found.considerHost()
	}
	goexit := regexp.MustCompile(`Goexit`)
	found.mayExit = matches(goexit, asked.Files) || matches(goexit, asked.Dependencies)
	found.inC = mayHaveHandlers(asked, found.files, regexp.MustCompile(`\b`+name+`\b`))
	if (found.factory || len(found.handlers) > 0) && found.exportsHandlers && !found.exported["PluginFree"] {
		found.warnOfRelease(asked)
	}
	if len(asked.Files) == 0 {
		found.warn("go leaves out every Go file of it on this platform: see their names and build constraints")
		found.saysNone = true
	} else if len(found.handlers) == 0 && len(found.exported) == 0 && !found.factory && !found.inC {
		found.warn("it has no handler: write func GETNameHandler() string, or (string, int) with a status")
		found.saysNone = true
	}
	return found, nil
}

// warnOfRelease tells what becomes of what exported handlers return, where dlserve adds the PluginFree: it can't be told
// apart from what handlers in C return, which may be literals.
func (p *plugin) warnOfRelease(asked question) {
	release := regexp.MustCompile(`\bPluginFree\b`)
	switch {
	case !p.inC:
		p.warn("it exports handlers of its own and no PluginFree: what they return is released with C.free, so it must come from C.CString or C.malloc")
	case !matches(release, asked.Native) && !release.MatchString(preambles(p.files)):
		p.warn("it has C code, exports handlers of its own, and has no PluginFree: what they return is never released; " +
			"a PluginFree of yours gets what all handlers return, and C.free is right for those in plain Go")
	}
}

var (
	text   = types.Typ[types.String]
	number = types.Typ[types.Int]
)

// consider decides whether a function with a handler's name is one.
func (p *plugin) consider(name, place string, exported bool) {
	function, ok := p.scope.Lookup(name).(*types.Func)
	if !ok {
		return // Declared twice: the compiler says so.
	}
	signature := function.Type().(*types.Signature)
	results := signature.Results()
	plain := results.Len() == 1 && types.Identical(results.At(0).Type(), text)
	withStatus := results.Len() == 2 && types.Identical(results.At(0).Type(), text) && types.Identical(results.At(1).Type(), number)
	refuse := func(why string) {
		p.warn("%s: %s is not served: %s", place, name, why)
	}
	switch {
	case exported && (plain || withStatus):
		p.problem("%s: %s returns a Go string, which C cannot take: remove its //export line, dlserve does the rest", place, name)
	case exported:
		return // It has a C signature, and is served as it is.
	case signature.TypeParams().Len() > 0:
		refuse("it has type parameters")
	case signature.Params().Len() > 0:
		refuse("it has parameters; a handler has none, or the C signature of dlserve.h and an //export line")
	case !plain && !withStatus:
		refuse("it must return string or (string, int)")
	default:
		p.handlers = append(p.handlers, handler{name, withStatus})
	}
}

// global tells whether a variable of that name can be set to values of a type.
func (p *plugin) global(name string, want types.Type) bool {
	object := p.scope.Lookup(name)
	if object == nil {
		return false
	}
	variable, ok := object.(*types.Var)
	if !ok {
		p.warn("%s is not set: it must be a variable of type %s", name, want)
		return false
	}
	// The type of an imported name is not known here; whether it fits is for the compiler to say.
	unknown := variable.Type() == nil || strings.Contains(variable.Type().String(), "invalid type")
	if !unknown && !types.AssignableTo(want, variable.Type()) {
		p.warn("%s is not set: it must be of type %s, and is %s", name, want, variable.Type())
		return false
	}
	return true
}

func (p *plugin) warn(format string, arguments ...any) {
	p.warnings = append(p.warnings, fmt.Sprintf(format, arguments...))
}

func (p *plugin) problem(format string, arguments ...any) {
	p.problems = append(p.problems, fmt.Sprintf(format, arguments...))
}

// check finds the types of all that is declared in the package as far as they can be known without its imports: enough
// for what a handler is made of. Errors are left to the compiler.
func check(fset *token.FileSet, files []*ast.File) *types.Scope {
	config := types.Config{
		Importer:         nothing{},
		FakeImportC:      true,
		IgnoreFuncBodies: true,
		Error:            func(error) {},
	}
	checked, _ := config.Check("main", fset, files, nil)
	return checked.Scope()
}

type nothing struct{}

func (nothing) Import(path string) (*types.Package, error) {
	return nil, errors.New("not looked at")
}

// exportedNames are those of a function's //export lines, as cmd/cgo reads them.
func exportedNames(function *ast.FuncDecl) []string {
	var names []string
	if function.Doc != nil {
		for _, comment := range function.Doc.List {
			if strings.HasPrefix(comment.Text, "//export ") {
				names = append(names, strings.TrimSpace(strings.TrimPrefix(comment.Text, "//export ")))
			}
		}
	}
	return names
}
