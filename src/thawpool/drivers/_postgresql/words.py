"""The words by which a statement is judged: what they say of the session that runs it.

A name is taken for what PostgreSQL itself means by it: whoever gives one of these names to a function of
their own that changes the session is not understood.
"""

from __future__ import annotations

from typing import Final

__all__ = ["CLEAN", "HARMLESS", "NAMING"]


def _words(*texts: str) -> frozenset[str]:
    return frozenset(" ".join(texts).split())


#: First words of statements that leave nothing, or nothing that outlives their transaction.
CLEAN: Final = _words(
    """
    abort alter analyse analyze begin checkpoint close cluster comment commit copy create declare delete drop
    end fetch grant insert lock merge move notify reassign refresh reindex release revoke rollback savepoint
    select set show start table truncate update vacuum values with
    """
)

#: Words after which a name is given or referred to, never called: INSERT INTO t (a, b).
NAMING: Final = _words(
    """
    aggregate analyze as column copy exists function into only ordinality procedure recursive references
    routine table vacuum view with
    """
)

#: The grammar's own words.
_SYNTAX: Final = """
    all and any array as asc asymmetric between both by case check collate columns conflict constraint
    cross cube default desc distinct do else end escape except exists fetch filter first for foreign
    from full group grouping having identity ilike in include inner insert intersect into is join key
    lateral leading left like limit materialized next not of offset on only operator or order outer over
    overlaps placing precision primary repeatable returning right rollup row select set sets similar
    some symmetric table then to trailing union unique using values variadic varying when where window
    with within zone
"""

#: Functions with a syntax of their own.
_SPECIAL: Final = """
    cast coalesce extract greatest json json_array json_arrayagg json_exists json_object json_objectagg
    json_query json_scalar json_serialize json_table json_value least merge_action normalize nullif overlay
    position substring treat trim xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces
    xmlparse xmlpi xmlroot xmlserialize xmltable
"""

#: Types: with a modifier, or used as a conversion.
_TYPES: Final = """
    bigint bit bool boolean box bpchar bytea char character cidr circle date daterange datemultirange dec
    decimal float float4 float8 inet int int2 int4 int4multirange int4range int8 int8multirange int8range
    integer interval jsonb line lseg macaddr macaddr8 money name national nchar numeric nummultirange
    numrange oid path pg_lsn point polygon real regclass regproc regtype smallint text time timestamp
    timestamptz timetz tsmultirange tsquery tsrange tstzmultirange tstzrange tsvector uuid varbit varchar xml
"""

_AGGREGATES: Final = """
    any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp
    cume_dist dense_rank every first_value json_agg json_agg_strict json_object_agg json_object_agg_strict
    json_object_agg_unique json_object_agg_unique_strict jsonb_agg jsonb_agg_strict jsonb_object_agg
    jsonb_object_agg_strict jsonb_object_agg_unique jsonb_object_agg_unique_strict lag last_value lead max
    min mode nth_value ntile percent_rank percentile_cont percentile_disc range_agg range_intersect_agg rank
    regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy row_number
    stddev stddev_pop stddev_samp string_agg sum var_pop var_samp variance xmlagg
"""

_MATHS: Final = """
    abs acos acosd acosh asin asind asinh atan atan2 atan2d atand atanh cbrt ceil ceiling cos cosd cosh cot
    cotd degrees div erf erfc exp factorial floor gamma gcd lcm lgamma ln log log10 min_scale mod pi pow
    power radians random random_normal round scale sign sin sind sinh sqrt tan tand tanh trim_scale trunc
    width_bucket
"""

_STRINGS: Final = """
    ascii bit_count bit_length btrim casefold char_length character_length chr concat concat_ws convert
    convert_from convert_to crc32 crc32c decode encode format get_bit get_byte initcap is_normalized length
    lower lpad ltrim md5 octet_length parse_ident quote_ident quote_literal quote_nullable regexp_count
    regexp_instr regexp_like regexp_match regexp_matches regexp_replace regexp_split_to_array
    regexp_split_to_table regexp_substr repeat replace reverse rpad rtrim set_bit set_byte sha224 sha256
    sha384 sha512 split_part starts_with string_to_array string_to_table strpos substr to_ascii to_bin
    to_char to_date to_hex to_number to_oct to_timestamp translate unicode_assigned unistr upper
    hashtext hashtextextended
"""

_TIMES: Final = """
    age clock_timestamp current_time current_timestamp date_add date_bin date_part date_subtract date_trunc
    isfinite justify_days justify_hours justify_interval localtime localtimestamp make_date make_interval
    make_time make_timestamp make_timestamptz now statement_timestamp timeofday timezone
    transaction_timestamp
"""

_JSON: Final = """
    array_to_json json_array_elements json_array_elements_text json_array_length json_build_array
    json_build_object json_each json_each_text json_extract_path json_extract_path_text json_object_keys
    json_populate_record json_populate_recordset json_strip_nulls json_to_record json_to_recordset
    json_typeof jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array
    jsonb_build_object jsonb_each jsonb_each_text jsonb_extract_path jsonb_extract_path_text jsonb_insert
    jsonb_object jsonb_object_keys jsonb_path_exists jsonb_path_exists_tz jsonb_path_match
    jsonb_path_match_tz jsonb_path_query jsonb_path_query_array jsonb_path_query_array_tz
    jsonb_path_query_first jsonb_path_query_first_tz jsonb_path_query_tz jsonb_populate_record
    jsonb_populate_recordset jsonb_pretty jsonb_set jsonb_set_lax jsonb_strip_nulls jsonb_to_record
    jsonb_to_recordset jsonb_typeof row_to_json to_json to_jsonb
"""

_COLLECTIONS: Final = """
    array_append array_cat array_dims array_fill array_length array_lower array_ndims array_position
    array_positions array_prepend array_remove array_replace array_reverse array_sample array_shuffle
    array_sort array_to_string array_upper cardinality enum_first enum_last enum_range generate_series
    generate_subscripts isempty lower_inc lower_inf multirange num_nonnulls num_nulls range_merge trim_array
    unnest upper_inc upper_inf
"""

_SEARCH: Final = """
    array_to_tsvector get_current_ts_config json_to_tsvector jsonb_to_tsvector numnode phraseto_tsquery
    plainto_tsquery querytree setweight strip to_tsquery to_tsvector ts_debug ts_delete ts_filter
    ts_headline ts_lexize ts_parse ts_rank ts_rank_cd ts_token_type tsquery_phrase tsvector_to_array
    websearch_to_tsquery
"""

_VALUES: Final = """
    abbrev area broadcast center diagonal diameter family gen_random_uuid height host hostmask
    inet_merge inet_same_family isclosed isopen masklen netmask network npoints pclose popen radius
    set_masklen slope uuid_extract_timestamp uuid_extract_version uuidv4 uuidv7 width xml_is_well_formed
    xml_is_well_formed_content xml_is_well_formed_document xmlcomment xmltext xpath xpath_exists
"""

#: About the server and the session, which they only read; locks that end with their transaction.
_SYSTEM: Final = """
    col_description current_catalog current_database current_query current_schema current_schemas
    current_setting currval format_type has_any_column_privilege has_column_privilege
    has_database_privilege has_function_privilege has_parameter_privilege has_schema_privilege
    has_sequence_privilege has_table_privilege has_type_privilege inet_client_addr inet_client_port
    inet_server_addr inet_server_port lastval obj_description pg_advisory_xact_lock
    pg_advisory_xact_lock_shared pg_backend_pid pg_blocking_pids pg_cancel_backend pg_client_encoding
    pg_column_compression pg_column_size pg_conf_load_time pg_current_snapshot pg_current_wal_flush_lsn
    pg_current_wal_insert_lsn pg_current_wal_lsn pg_current_xact_id pg_current_xact_id_if_assigned
    pg_database_size pg_describe_object pg_encoding_to_char pg_filenode_relation pg_function_is_visible
    pg_get_constraintdef pg_get_expr pg_get_function_arguments pg_get_function_identity_arguments
    pg_get_function_result pg_get_functiondef pg_get_indexdef pg_get_keywords pg_get_partkeydef
    pg_get_ruledef pg_get_serial_sequence pg_get_statisticsobjdef pg_get_triggerdef pg_get_userbyid
    pg_get_viewdef pg_has_role pg_identify_object pg_index_column_has_property pg_indexes_size
    pg_input_error_info pg_input_is_valid pg_is_in_recovery pg_is_other_temp_schema pg_is_wal_replay_paused
    pg_last_wal_receive_lsn pg_last_wal_replay_lsn pg_last_xact_replay_timestamp pg_listening_channels
    pg_my_temp_schema pg_notification_queue_usage pg_notify pg_opclass_is_visible pg_partition_ancestors
    pg_partition_root pg_partition_tree pg_postmaster_start_time pg_relation_filenode pg_relation_size
    pg_safe_snapshot_blocking_pids pg_sequence_last_value pg_sequence_parameters pg_size_bytes
    pg_size_pretty pg_sleep pg_sleep_for pg_sleep_until pg_snapshot_xip pg_snapshot_xmax pg_snapshot_xmin
    pg_stat_get_activity pg_stat_get_db_numbackends pg_table_is_visible pg_table_size
    pg_tablespace_location pg_tablespace_size pg_terminate_backend pg_total_relation_size pg_trigger_depth
    pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared pg_type_is_visible pg_typeof
    pg_visible_in_snapshot pg_wal_lsn_diff pg_xact_commit_timestamp pg_xact_status row_security_active
    shobj_description to_regclass to_regcollation to_regnamespace to_regoper to_regoperator to_regproc
    to_regprocedure to_regrole to_regtype txid_current txid_current_if_assigned txid_current_snapshot
    txid_snapshot_xip txid_snapshot_xmax txid_snapshot_xmin txid_status txid_visible_in_snapshot version
    bernoulli system
"""

#: What may stand before a parenthesis without anything happening to the session.
HARMLESS: Final = _words(
    _SYNTAX,
    _SPECIAL,
    _TYPES,
    _AGGREGATES,
    _MATHS,
    _STRINGS,
    _TIMES,
    _JSON,
    _COLLECTIONS,
    _SEARCH,
    _VALUES,
    _SYSTEM,
)
