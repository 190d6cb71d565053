"""What `aloma --show-completion bash` prints."""

from __future__ import annotations

BASH = """
_aloma_completion() {
    local IFS=$'\\n'
    COMPREPLY=( $( env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD COMP_TYPE=$COMP_TYPE \\
                   _ALOMA_COMPLETE=complete_bash $1 ) )
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
    return 0
}

complete -o default -F _aloma_completion aloma
"""
"""The script for bash. It also passes on whether words are only shown, and it adds no space after `path=`."""
