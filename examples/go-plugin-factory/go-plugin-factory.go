// A plugin that is made by a factory, and has routes of its own that lead to handlers of net/http. Compiled to
// lib/go-plugin-factory.so, it answers
//
//	curl http://127.0.0.1:3000/visitors/Ada
package main

import (
	"encoding/json"
	"net/http"
	"sync"
)

// Route is one route of a plugin.
type Route struct {
	Method  string
	Path    string
	Handler http.HandlerFunc
}

// Plugin is what the factory makes. The interface may come from any package: dlserve goes by its methods.
type Plugin interface {
	Name() string
	Start() error
	Stop() error
	Routes() []Route
}

type visitors struct {
	lock  sync.Mutex
	count map[string]int
}

// PluginFactory makes the plugin.
func PluginFactory() Plugin { return &visitors{} }

func (v *visitors) Name() string { return "visitors" }

// Start is called once, before the first request.
func (v *visitors) Start() error {
	v.count = map[string]int{}
	return nil
}

// Stop is called when no handler runs any more.
func (v *visitors) Stop() error { return nil }

func (v *visitors) Routes() []Route {
	return []Route{
		{http.MethodGet, "/visitors/{name}", v.visit},
		{http.MethodDelete, "/visitors/{name}", v.forget},
	}
}

// visit is called for many requests at once.
func (v *visitors) visit(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	v.lock.Lock()
	v.count[name]++
	count := v.count[name]
	v.lock.Unlock()
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]interface{}{"name": name, "visits": count})
}

func (v *visitors) forget(w http.ResponseWriter, r *http.Request) {
	v.lock.Lock()
	delete(v.count, r.PathValue("name"))
	v.lock.Unlock()
	w.WriteHeader(http.StatusNoContent)
}
