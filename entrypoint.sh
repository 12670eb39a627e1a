#!/bin/bash
# Becomes ai-ship: with the arguments it is given or, as the action, with those
# of its inputs. It is bash, since sh loses variables with a hyphen in their name.
if [ $# -eq 0 ]; then
	case ${AI_SHIP_COMMAND:=run} in
	rollback | history) about=${AI_SHIP_IMAGE_REF:-$AI_SHIP_CHANNEL} ;;
	*) about=$AI_SHIP_IMAGE_REF ;;
	esac
	set -- "$AI_SHIP_COMMAND" -- ${about:+"$about"}
fi
PATH=$PATH:/usr/local/bin # a runner may have set its own
exec ai-ship "$@"
