package main

import (
	"fmt"
	"go/token"
	"go/types"
	"path/filepath"
)

// What a PluginFactory makes has these methods: no parameters, and a string or an error.
var lifeMethods = []struct {
	name   string
	result types.Type
}{
	{"Name", text},
	{"Start", types.Universe.Lookup("error").Type()},
	{"Stop", types.Universe.Lookup("error").Type()},
}

// considerFactory decides whether the package has a PluginFactory: a function without parameters and with one result, or a
// variable that is one. Types of other packages are not known here: whether such a result can be started and stopped shows
// when it is made.
func (p *plugin) considerFactory(fset *token.FileSet) {
	object := p.scope.Lookup("PluginFactory")
	if object == nil || p.exported["PluginFactory"] {
		return
	}
	position := fset.Position(object.Pos())
	place := fmt.Sprintf("%s:%d", filepath.Base(position.Filename), position.Line)
	switch object.(type) {
	case *types.Func, *types.Var:
	default:
		return
	}
	if isUnknown(object.Type()) {
		p.factory = true
		return
	}
	signature, ok := object.Type().Underlying().(*types.Signature)
	if !ok {
		p.warn("%s: PluginFactory is not used: it must be a func() that returns a plugin, and is of type %s", place, object.Type())
		return
	}
	if signature.TypeParams().Len() > 0 || signature.Params().Len() > 0 || signature.Results().Len() != 1 {
		p.warn("%s: PluginFactory is not used: it must be a func() with one result", place)
		return
	}
	made := signature.Results().At(0).Type()
	if lacking := lack(made); lacking != "" {
		p.warn("%s: PluginFactory is not used: what it returns, %s, has no method %s", place, made, lacking)
		return
	}
	p.factory = true
}

func isUnknown(t types.Type) bool {
	return t == nil || t.Underlying() == types.Typ[types.Invalid]
}

// lack is the method that a type surely has not, and would need.
func lack(made types.Type) string {
	if isUnknown(made) || isOpen(made, map[types.Type]bool{}) {
		return ""
	}
	for _, method := range lifeMethods {
		found, _, _ := types.LookupFieldOrMethod(made, false, nil, method.name)
		function, ok := found.(*types.Func)
		signature := (*types.Signature)(nil)
		if ok {
			signature = function.Type().(*types.Signature)
		}
		if !ok || signature.Params().Len() > 0 || signature.Results().Len() != 1 || !fits(signature.Results().At(0).Type(), method.result) {
			return fmt.Sprintf("%s() %s", method.name, method.result)
		}
	}
	return ""
}

func fits(given, wanted types.Type) bool {
	return isUnknown(given) || types.Identical(given, wanted)
}

// isOpen tells whether a type gets methods from one that is not known: by embedding it, or because it is it.
func isOpen(t types.Type, seen map[types.Type]bool) bool {
	if isUnknown(t) {
		return true
	}
	if seen[t] {
		return false
	}
	seen[t] = true
	switch u := t.Underlying().(type) {
	case *types.Pointer:
		return isOpen(u.Elem(), seen)
	case *types.Interface:
		for i := 0; i < u.NumEmbeddeds(); i++ {
			if isOpen(u.EmbeddedType(i), seen) {
				return true
			}
		}
	case *types.Struct:
		for i := 0; i < u.NumFields(); i++ {
			if u.Field(i).Embedded() && isOpen(u.Field(i).Type(), seen) {
				return true
			}
		}
	}
	return false
}
