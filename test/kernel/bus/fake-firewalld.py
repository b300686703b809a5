"""A firewalld that knows sources of zones and nothing else. Arguments: a file for its calls, one a line."""
import sys

import dbus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

NAME = "org.fedoraproject.FirewallD1"
zones = {"trusted": [], "public": [], "work": []}


class Refused(dbus.DBusException):
    _dbus_error_name = NAME + ".Exception"


class Firewalld(dbus.service.Object):
    def note(self, *words):
        with open(sys.argv[1], "a") as calls:
            print(*words, file=calls)

    def sources(self, zone):
        if zone not in zones:
            raise Refused("INVALID_ZONE: " + zone)
        return zones[zone]

    @dbus.service.method(NAME + ".zone", in_signature="ss", out_signature="s")
    def addSource(self, zone, source):
        self.note("addSource", zone, source)
        if source in self.sources(zone):
            raise Refused("ZONE_ALREADY_SET: '%s' already bound to '%s'" % (source, zone))
        zones[zone].append(source)
        return zone

    @dbus.service.method(NAME + ".zone", in_signature="ss", out_signature="s")
    def removeSource(self, zone, source):
        self.note("removeSource", zone, source)
        if source not in self.sources(zone):
            raise Refused("UNKNOWN_SOURCE: '%s' is not in any zone" % source)
        zones[zone].remove(source)
        return zone

    @dbus.service.method(NAME + ".zone", in_signature="ss", out_signature="b")
    def querySource(self, zone, source):
        self.note("querySource", zone, source)
        return source in self.sources(zone)


dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
bus = dbus.bus.BusConnection("unix:path=/run/dbus/system_bus_socket")
owned = dbus.service.BusName(NAME, bus)
Firewalld(bus, "/org/fedoraproject/FirewallD1")
GLib.MainLoop().run()
