package main

import (
	"go/token"
	"go/types"
)

// A function of the host, as handlers without parameters have it: in a variable of the package.
type hostFunction struct {
	Name  string
	shape string
	// Method is that of the generated exchange.
	Method string
}

var hostFunctions = []hostFunction{
	{"Ask", "func(service string, params any) ([]byte, error)", "Ask"},
	{"Log", "func(level, text string)", "Log"},
	{"Write", "func(part []byte) (int, error)", "write"},
	{"Cancelled", "func() bool", "isCancelled"},
}

// considerHost finds the variables that take a function of the host. Their names are common ones, so what is no variable of a
// function's type is something of the package's own.
func (p *plugin) considerHost() {
	for _, function := range hostFunctions {
		variable, ok := p.scope.Lookup(function.Name).(*types.Var)
		if !ok || isUnknown(variable.Type()) {
			continue
		}
		if _, ok := variable.Type().Underlying().(*types.Signature); !ok {
			continue
		}
		want, err := types.Eval(token.NewFileSet(), nil, token.NoPos, function.shape)
		if err == nil && types.AssignableTo(want.Type, variable.Type()) {
			p.hostVars = append(p.hostVars, function)
		} else {
			p.warn("%s is not set: it must be of type %s, and is %s", function.Name, function.shape, variable.Type())
		}
	}
}
